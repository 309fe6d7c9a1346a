"""Images of a folder and of uploads, on the server."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import convscope as cs
from convscope.cli import main
from convscope.cli.explore import MOST_FILES, _add_folder
from convscope.data.load import read_input
from convscope.errors import BadFile
from convscope.explorer.session import MOST_IMAGES, SAMPLE, Session
from explorer.conftest import running


@pytest.fixture
def photos(tmp_path):
    """Two images, one in a folder of its own, beside what is not an image."""
    (tmp_path / "cats").mkdir()
    colors = np.arange(6 * 7 * 3, dtype=np.uint8).reshape(6, 7, 3)
    Image.fromarray(colors).save(tmp_path / "cats" / "b.png")
    Image.fromarray(255 - colors).save(tmp_path / "a.png")
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / ".hidden.png").write_bytes(b"")
    return tmp_path


def test_a_folder_gives_its_images_by_path(photos):
    session = Session()
    _add_folder(session, str(photos))
    network = cs.load("input 3x6x7 | conv 2 3")
    assert [image.name for image in session.files()] == ["sample", "a.png", "cats/b.png"]
    for image in session.files()[1:]:
        np.testing.assert_array_equal(image.fitted(network), read_input(photos / image.name, (3, 6, 7)))


def test_a_changed_file_is_another_image(photos):
    session = Session()
    before = session.add_file(photos / "a.png", "a.png")
    Image.new("RGB", (9, 9)).save(photos / "a.png")
    assert session.add_file(photos / "a.png", "a.png").id != before.id


def test_uploads_leave_and_files_of_the_folder_stay(photos):
    session = Session()
    _add_folder(session, str(photos))
    for value in range(MOST_IMAGES + 5):
        session.add_image("drawing", np.full((1, 2, 2), value, np.float32))
    kept = list(session.images.values())
    assert len(kept) == MOST_IMAGES + 3
    assert kept[0] is SAMPLE
    assert [image.name for image in session.files()] == ["sample", "a.png", "cats/b.png"]
    assert kept[-1].content[0, 0, 0] == MOST_IMAGES + 4


def test_of_very_many_images_some_are_shown(tmp_path, capsys):
    for i in range(MOST_FILES + 11):
        (tmp_path / f"{i:04}.png").write_bytes(b"")
    session = Session()
    _add_folder(session, str(tmp_path))
    assert len(session.files()) == MOST_FILES + 1
    assert f"{MOST_FILES} of them are shown" in capsys.readouterr().err


def test_a_folder_without_images_is_refused(tmp_path, capsys):
    assert main(["explore", "lenet", "--images", str(tmp_path), "--no-browser"]) == 2
    assert "[images-folder]" in capsys.readouterr().err


def test_a_damaged_file_of_the_folder_is_named(photos):
    (photos / "a.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    image = Session().add_file(photos / "a.png", "a.png")
    with pytest.raises(BadFile, match=r"a\.png.*\[image-file\]"):
        image.fitted(cs.load("input 3x6x7 | conv 2 3"))


def test_choosing_an_image_of_the_folder(photos, open_page):
    session = Session()
    network = cs.load("input 3x6x7 | conv 2 3 p1 | flatten | dense 3")
    session.add_network(network, "small")
    _add_folder(session, str(photos))
    with running(session) as server:
        page = open_page(server, "#s=1&l=conv1&u=1,2,3&v=maps&q=region&lang=en")
        for image in session.files()[1:]:
            page.select_option("#top select[data-q=image]", image.id)
            expected = float(session.output(session.first, image, "conv1")[1, 2, 3])
            page.wait_for_function(
                "value => { const one = document.querySelector('#stage [data-q=value]');"
                " return one && Math.abs(Number(one.dataset.v) - value) < 1e-6; }",
                arg=expected,
            )
