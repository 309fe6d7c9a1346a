"""Documents of a run with values of wrong JSON types give at most one message, and no other error.

Every value of run.json, of every line of the log and of the metadata of a checkpoint, at every depth, is replaced by
every other kind, under a checksum that fits, and given to all that read it.
"""

import copy
import json
import zlib
from contextlib import contextmanager

import numpy as np
import pytest

import convscope as cs
from convscope.cli import main
from convscope.errors import ConvscopeError
from convscope.training.model_io import read_model_file, write_model_file
from convscope.training.run_diagnosis import diagnose_run
from convscope.training.run_document import read_run_document, write_run_document
from training.torture import bounded

pytestmark = pytest.mark.torture

NET = "input 1x3x2 | conv 2 2x1 | relu | flatten | dense 2"
DATA = (np.random.default_rng(2).normal(size=(10, 1, 3, 2)).astype(np.float32), np.arange(10) % 2)
KINDS = (None, True, 3, 10**30, -1.5, "text", ["text"], [3], {"name": "text"}, {})


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run on an archive, with all optional values in its documents."""
    folder = tmp_path_factory.mktemp("kinds")
    np.savez(folder / "data.npz", x=DATA[0], y=DATA[1], x_test=DATA[0], y_test=DATA[1])
    (folder / "image.pgm").write_bytes(b"P5 2 3 255\n" + bytes(range(6)))
    arguments = ["train", NET, "--data", str(folder / "data.npz"), "--epochs", "2", "--batch-size", "4"]
    arguments += ["--optimizer", "adamw", "--schedule", "cosine", "--warmup", "2", "--engine", "reference"]
    assert main([*arguments, "--augment", "shift=1", "--run", str(folder / "run")]) == 0
    return folder


def paths(value, path=()):
    """Yield the path of each value, starting with the document itself."""
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from paths(child, (*path, key))


def replaced(document, path, value):
    if not path:
        return value
    changed = copy.deepcopy(document)
    parent = changed
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    return changed


def variants(document):
    for path in paths(document):
        for value in KINDS:
            yield path, value, replaced(document, path, value)


def refused_or_done(action, where):
    try:
        action()
    except ConvscopeError:
        pass
    except Exception as error:
        pytest.fail(f"{type(error).__name__}: {error} for {where}")


def resume(folder):
    data = cs.load_data(folder / "data.npz")
    cs.Model(NET, engine="reference").fit(data, resume=folder / "run", progress=False)


def verbs(folder, capsys):
    """The same from the command line, where a message ends in exit code 2."""
    run = str(folder / "run")
    for arguments in (
        ["diagnose", run],
        ["plot", "curves", run, "--save", str(folder / "curves.png")],
        ["evaluate", run, "--engine", "reference"],
        ["predict", run, str(folder / "image.pgm"), "--engine", "reference"],
        ["train", "--resume", run],
    ):
        assert main(arguments) in (0, 2), arguments
        assert "Traceback" not in capsys.readouterr().err


@contextmanager
def kept(folder):
    """Restore all files."""
    originals = {file: file.read_bytes() for file in folder.iterdir()}
    try:
        yield
    finally:
        for file in folder.iterdir():
            file.unlink()
        for file, content in originals.items():
            file.write_bytes(content)


def try_all(folder, documents, write, readers, capsys):
    """Write the variants of a document, and run all readers on each."""
    for number, (path, value, changed) in enumerate(documents):
        if number % VARIANTS:
            continue
        where = f"{path} = {value!r}"
        with kept(folder / "run"):
            write(changed)
            for reader in readers:
                refused_or_done(reader, where)
            if number % VERBS == 0:
                refused_or_done(lambda: verbs(folder, capsys), where)


# Coprime to the number of kinds, so that every kind is met.
VARIANTS, VERBS = bounded((7, 7 * 43), (1, 7))


def test_run_json_with_any_types_is_read_or_refused(run, capsys):
    document = read_run_document(run / "run")

    def write(changed):
        if isinstance(changed, dict) and isinstance(changed.get("schema"), int):
            write_run_document(run / "run", changed)
        else:
            (run / "run" / "run.json").write_text(json.dumps(changed))

    readers = [lambda: cs.load(run / "run"), lambda: resume(run)]
    try_all(run, variants(document), write, readers, capsys)


def sealed_line(event, before):
    """Write a log line with a valid checksum."""
    plain = json.dumps(event).encode() + b"\n"
    digest = zlib.crc32(plain, before)
    if not isinstance(event, dict):
        return plain, digest
    end = b"" if event == {} else b", "
    return plain[:-2] + end + b'"checksum": "%08x"}\n' % digest, digest


def test_log_with_any_types_is_read_or_refused(run, capsys):
    log = run / "run" / "log.jsonl"
    events = [json.loads(line) for line in log.read_bytes().splitlines()]
    for event in events:
        event.pop("checksum")
    events.append({"event": "stop", "reason": "not finite", "step": 4, "layer": "conv1"})

    def write(changed):
        lines, digest = [], 0
        for event in changed if isinstance(changed, list) else [changed]:
            line, digest = sealed_line(event, digest)
            lines.append(line)
        # Longer than the checkpoint says that it was: else that is all that is noticed.
        log.write_bytes(b"".join(lines) + sealed_line({"event": "end", "padding": " " * 4096}, digest)[0])

    try_all(run, variants(events), write, [lambda: diagnose_run(run / "run")], capsys)


@pytest.mark.parametrize("name", ["best.safetensors", "last.safetensors"])
def test_metadata_with_any_types_is_read_or_refused(run, name, capsys):
    path = run / "run" / name
    read = read_model_file(path)

    def write(changed):
        write_model_file(path, read.arrays, changed)

    readers = [lambda: cs.Model.load(path, "reference").predict(DATA[0]), lambda: resume(run)]
    try_all(run, variants(read.metadata), write, readers, capsys)
