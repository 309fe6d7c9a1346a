"""`convscope explore`: the network in the browser."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import BadFile, BadSetting
from ..text.language import localize
from .data import engine_option
from .group import COMMANDS
from .options import language_option, optional_model_argument, with_default
from .output import print_result, print_saved
from .weighted_model import read_model, read_model_or_network, weights_options

if TYPE_CHECKING:
    from ..explorer.session import Session, ShownNetwork

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@click.command("explore", short_help=COMMANDS["explore"])
@optional_model_argument
@weights_options
@click.option("--image", "images", metavar="PATH", multiple=True, help="Image file to start with; repeatable.")
@click.option("--images", "folder", metavar="FOLDER", help="Folder of images to choose from.")
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(1, 65535),
    help=with_default("Port.", "8765, or the next free one"),
)
@click.option("--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--allow-remote", is_flag=True, help="Allow a --host that other machines can reach.")
@click.option("--browser/--no-browser", "browse", default=True, show_default=True, help="Open the browser.")
@click.option("--compare", "other", metavar="MODEL", help="Another network or run to compare with.")
@click.option("--export", "target", metavar="FILE", help="Write the page to one .html file instead of serving it.")
@click.option(
    "--start",
    metavar="FRAGMENT",
    help="What the page shows first: the part of a copied link from # on. It may hide views: hide=editor,predict.",
)
@click.option(
    "--lesson", metavar="NAME|FILE", help="Guided lesson to begin with: a bundled one, or a Markdown file."
)
@click.option(
    "--runs",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    help=with_default(
        "Folder of runs to show, in which the page starts new ones.", "one in the user's data folder"
    ),
)
@engine_option
@language_option
def command(
    model: str | None,
    images: tuple[str, ...],
    folder: str | None,
    port: int | None,
    host: str,
    allow_remote: bool,
    browse: bool,
    lesson: str | None,
    runs: Path | None,
    other: str | None,
    target: str | None,
    start: str | None,
    engine: str | None,
    **source: Any,
) -> None:
    """Show a network on an image in the browser: click a unit for its pixels, its arithmetic and its gradient.

    Without a MODEL the page shows LeNet, trained on handwritten digits, which reads what you draw.
    A run, a saved model and an .onnx file have trained weights; other networks get random ones. The page works
    offline. Ctrl-C ends it.

    \b
    Examples:
      convscope explore
      convscope explore runs/lenet-digits --image three.png
      convscope explore model.onnx --images photos
      convscope explore resnet50 --no-browser
      convscope explore runs/a --compare runs/b
      convscope explore lenet --export page.html --start "#l=conv2&u=3,2,1"
    """
    from ..explorer.libraries import check_libraries

    check_libraries()
    from ..explorer.session import Session

    if host not in LOOPBACK and not allow_remote:
        raise BadSetting(
            "--host {host} can be reached from other machines. Leave it out and forward the port with ssh, or add "
            "--allow-remote. [explore-host]",
            host=host,
        )
    session = Session(engine, runs=runs)
    session.landing = model is None
    open_model(session, model, source)
    if other is not None:
        session.other = open_model(session, other, {"weights": None, "input_shape": source["input_shape"]})
    if folder is not None:
        _add_folder(session, folder)
    for path in images:
        _add(session, path)
    if lesson is not None:
        session.lesson = session.lessons.open(lesson)
        session.lessons.check(session, session.lesson)
    if target is not None:
        write_page(session, target, start)
        return
    _serve(session, host, port, browse, start or "")


def _serve(session: Session, host: str, port: int | None, browse: bool, start: str) -> None:
    """Serve a session until Ctrl-C, and print the link to it."""
    from ..explorer.serving import bound_socket, serve

    listener = bound_socket(host, port)
    if host not in LOOPBACK:
        click.echo(
            localize("Warning: other machines can reach this address. Whoever has the link can use it."), err=True
        )

    def announce(link: str) -> None:
        print_result(link)
        click.echo(localize("Ctrl-C ends the explorer."), err=True)

    serve(session, listener, host, announce, browse, start)


def write_page(session: Session, target: str, start: str | None) -> None:
    """Write the page of a session's network and images to one file, and name the layers that are left out."""
    from ..explorer.export import Start, export_page, run_to_end
    from ..explorer.session import SAMPLE
    from ..files.atomic import write_file

    shown = session.first
    assert shown is not None
    if Path(target).suffix.lower() not in (".html", ".htm"):
        raise BadFile("--export must end in .html (got {got!r}). Rename the file. [export-ending]", got=target)
    given = [image for image in session.files() if image is not SAMPLE]
    images = [image for image in given if isinstance(image.content, bytes)] or given[:1] or [SAMPLE]
    others = [] if session.other is None else [session.other]
    page = run_to_end(lambda: export_page(session, shown, images, Start(start or ""), others=others))
    write_file(target, page.html)
    print_saved(target)
    if page.left_out:
        click.echo(
            localize(
                "The file has no values of {count} layer(s), as it would become too large: {names}.",
                count=len(page.left_out),
                names=shortened(page.left_out),
            ),
            err=True,
        )


def open_model(session: Session, name: str | None, source: Mapping[str, Any]) -> ShownNetwork:
    """Add a model of the command line, with its weights if it has some."""
    from ..explorer.session import SAMPLE_MODEL
    from ..network import Network
    from ..training.run_document import NAME

    session.landing = name is None
    name = str(SAMPLE_MODEL) if name is None else name
    if source["weights"] is None and source["input_shape"] is None and os.path.isfile(Path(name) / NAME):
        return _open_run(session, Path(name), source)
    shown = read_model_or_network(name, **source, engine=session.engine)
    if isinstance(shown, Network):
        return session.add_network(shown, name)
    return session.add_network(shown.network, name, shown)


def _open_run(session: Session, folder: Path, source: Mapping[str, Any]) -> ShownNetwork:
    """Add a run: its best model, or its first weights before the first epoch has ended."""
    from ..training.run_folder import BEST

    run = session.runs.add(folder)
    is_best = os.path.isfile(folder / BEST)
    return session.add_run(run, read_model(str(folder), **source, engine=session.engine) if is_best else None)


def _add(session: Session, path: str) -> None:
    """Add an image file, if it can be read."""
    from ..files.regular import open_regular
    from ..images import read_header

    read_header(path)
    with open_regular(path) as file:
        session.add_image(Path(path).name, file.read(), path)


MOST_FILES = 500


def _add_folder(session: Session, folder: str) -> None:
    """Add the image files of a folder, evenly chosen if there are very many."""
    from ..data.folder import image_files

    files = image_files(folder)
    count = min(len(files), MOST_FILES)
    if count < len(files):
        click.echo(
            localize(
                "{folder} has {total:,} images; {count} of them are shown.",
                folder=folder,
                total=len(files),
                count=count,
            ),
            err=True,
        )
    for i in range(count):
        path = files[i * len(files) // count]
        session.add_file(path, path.relative_to(Path(folder)).as_posix())


def shortened(names: Sequence[str], most: int = 4) -> str:
    """Return the first names of a list."""
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")
