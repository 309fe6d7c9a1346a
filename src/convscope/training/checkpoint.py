"""A run's folder: what was asked for, the log, and everything needed to go on.

run.json · log.jsonl · last.safetensors · previous.safetensors (the one before) · best.safetensors (the epoch with
the lowest loss). Each is written at once or not at all, so that a run may be killed at any moment.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import BadFile
from ..files import open_regular
from .atomic import write_durably
from .configuration import Configuration, refuse_unknown
from .data.source import Source
from .model_file import ModelFile, differences, read_model_file, write_model_file
from .observers import Observer
from .position import Position
from .saving import arrays_of, describe, make_folder

if TYPE_CHECKING:
    from ..model import Model

SCHEMA = 1
_KEYS = ("schema", "network", "seed", "dtype", "classes", "pictures", "configuration", "notes")


class RunFolder:
    """The files of one run.

    Errors:   BadFile [run-exists], [no-run], [damaged-run], [other-network], [other-data], [no-checkpoint]
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def log_path(self) -> Path:
        """Return where the log is."""
        return self.path / "log.jsonl"

    def create(
        self,
        model: Model,
        source: Source,
        configuration: Configuration,
        notes: Mapping[str, Any],
        observer: Observer,
    ) -> None:
        """Begin a run. run.json is written last: where it is, there is a checkpoint to go on from."""
        if (self.path / "run.json").exists():
            raise BadFile(
                f"{str(self.path)!r} must be a new folder; got one with a run in it; "
                f"go on with it by resume={str(self.path)!r}, or choose another folder. [run-exists]"
            )
        make_folder(self.path)
        self.save(model, Position(), observer)
        document = {
            "schema": SCHEMA,
            **_described(model, source),
            "configuration": configuration.to_dict(),
            "notes": dict(notes),
        }
        self._write_json(document)

    def read(self) -> dict[str, Any]:
        """Return run.json."""
        path = self.path / "run.json"
        try:
            with open_regular(path) as file:
                document = json.loads(file.read())
        except OSError:
            raise BadFile(
                f"{str(self.path)!r} must be the folder of a run; got no run.json in it; if the run was stopped "
                f"before it had begun, start it again with run={str(self.path)!r}. [no-run]"
            ) from None
        except ValueError as error:
            raise BadFile(f"{str(path)!r} must be JSON; got {error}; restore it. [damaged-run]") from None
        missing = [key for key in _KEYS if not isinstance(document, dict) or key not in document]
        if missing or document["schema"] != SCHEMA:
            what = f"no {', '.join(missing)}" if missing else f"schema={document['schema']!r}"
            raise BadFile(
                f"{str(path)!r} must describe a run of schema {SCHEMA}; got {what}; restore it. [damaged-run]"
            )
        refuse_unknown("run.json", document, _KEYS)
        return dict(document)

    def refuse_another(self, model: Model, source: Source) -> None:
        """Compare what a run was begun with, with what it should go on with."""
        document = self.read()
        now = _described(model, source)
        if document["network"] != now["network"] and not _same_network(document["network"], model):
            lines = difflib.unified_diff(
                document["network"].splitlines(), now["network"].splitlines(), "the run", "here", lineterm="", n=0
            )
            listed = "".join(f"\n  {line}" for line in lines if not line.startswith("@@"))
            raise BadFile(
                f"{str(self.path)!r} must be a run of {model.network.name}; got one of another network; "
                f"make the model from the run's network. [other-network]{listed}"
            )
        for key in ("seed", "dtype", "classes", "pictures"):
            if document[key] != now[key]:
                raise BadFile(
                    f"{str(self.path)!r} must go on with the {key} it was begun with ({document[key]!r}); "
                    f"got {key}={now[key]!r}; use the same model settings and data. [other-data]"
                )

    def update_configuration(self, configuration: Configuration) -> None:
        """Write down settings that may change when a run goes on."""
        self._write_json({**self.read(), "configuration": configuration.to_dict()})

    def save(self, model: Model, position: Position, observer: Observer) -> None:
        """Write the last checkpoint, and keep the one before."""
        arrays = {name: model.program.read(name) for name in model.program.names()} | observer.state()
        described = {**describe(model), "position": position.to_dict()}
        last, previous = self.path / "last.safetensors", self.path / "previous.safetensors"
        write_model_file(last, arrays, described, keep_as=previous)

    def save_best(self, model: Model) -> None:
        """Write the best parameters so far."""
        write_model_file(self.path / "best.safetensors", arrays_of(model), describe(model))

    def restore(self, model: Model, observer: Observer, say: Callable[[str], None]) -> Position:
        """Put the last whole checkpoint into model and observer; a damaged one is named by `say`."""
        for name in ("last.safetensors", "previous.safetensors"):
            try:
                read = read_model_file(self.path / name)
            except BadFile as error:
                say(f"{error} The checkpoint before is used, if there is one.")
                continue
            _put_state(model, read, self.path / name)
            observer.restore(read.arrays)
            position = Position(**read.metadata["position"])
            model.steps = position.step
            return position
        raise BadFile(
            f"{str(self.path)!r} must have a whole checkpoint; got none; begin the run anew in another folder. "
            "[no-checkpoint]"
        )

    def _write_json(self, document: Mapping[str, Any]) -> None:
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        write_durably(self.path / "run.json", text.encode())


def _described(model: Model, source: Source) -> dict[str, Any]:
    words = describe(model)
    return {
        "network": words["network"],
        "seed": words["seed"],
        "dtype": words["dtype"],
        "classes": list(source.classes),
        "pictures": len(source),
    }


def _same_network(text: str, model: Model) -> bool:
    from ..notation import parse_yaml

    return parse_yaml(text) == model.network


def _put_state(model: Model, read: ModelFile, path: Path) -> None:
    names = model.program.names()
    shapes = {name: model.program.read(name).shape for name in names}
    known = {name: array for name, array in read.arrays.items() if name in shapes}
    lines = differences(shapes, known)
    if lines or "position" not in read.metadata:
        listed = "".join(f"\n  {line}" for line in lines)
        raise BadFile(
            f"{str(path)!r} must be a checkpoint of this run; got another file; restore it. "
            f"[other-network]{listed}"
        )
    for name in names:
        model.program.write(name, known[name])
