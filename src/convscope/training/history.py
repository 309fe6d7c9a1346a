"""The log of a run: one JSON object a line, the same for the same run.

{"event": "step", "step", "loss", "lr"} · {"event": "epoch", "epoch", "step", "loss", "accuracy", "lr",
"validation_loss", "validation_accuracy", "layers"} · {"event": "stop", "reason", …}. No times are in it: a run
that was interrupted and resumed writes the very same lines.

Each line ends in "checksum", the CRC-32 of all lines up to it, so that a line that changed or is missing is
noticed. Logs of runs of schema 1 have none.
"""

from __future__ import annotations

import json
import math
import os
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BufferedRandom
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import BadFile, ConvscopeError
from ..files.json_kinds import COUNT, NUMBER, POSITIVE, TEXT, first_misfit, object_of, parse_json
from ..files.regular import open_regular

Event = dict[str, Any]

_SEAL = re.compile(rb', "checksum": "([0-9a-f]{8})"\}\n\Z')

_VALUE = NUMBER.or_null()
_KINDS = {
    "step": {"step": COUNT, "loss": _VALUE.maybe(), "lr": _VALUE.maybe()},
    "epoch": {
        "epoch": POSITIVE,
        "step": POSITIVE,
        "lr": _VALUE,
        "loss": _VALUE,
        "accuracy": _VALUE,
        "validation_loss": _VALUE.maybe(),
        "validation_accuracy": _VALUE.maybe(),
        "layers": object_of(object_of(_VALUE)).maybe(),
        "constant": TEXT.maybe(),
    },
    "stop": {
        "reason": TEXT,
        "step": COUNT,
        "layer": TEXT.maybe(),
        "since": COUNT.maybe(),
        "level": _VALUE.maybe(),
    },
}
"""What an event must hold; it may hold more, and events of other names may hold anything."""


class Log:
    """Events in memory, and in a file where the run has a folder.

    Errors:   BadFile [write-failed], [log-line]
    """

    def __init__(self, path: Path | None = None, valid_bytes: int = 0, checked: bool = True) -> None:
        self._path = path
        self._file: BufferedRandom | None = None
        self._checked = checked
        self._digest = 0
        self.events: list[Event] = []
        if path is None:
            return
        try:
            path.touch()
            if path.stat().st_size < valid_bytes:
                raise ValueError(f"it has fewer than the {valid_bytes:,} bytes written before")
            self._file = open(path, "r+b")  # noqa: SIM115 - open as long as the run
            self._go_on(path, valid_bytes)
        except ConvscopeError:
            self.close()
            raise
        except (OSError, ValueError) as error:
            self.close()
            raise _failed(path, error) from None

    def _go_on(self, path: Path, valid_bytes: int) -> None:
        """Read the lines that are valid, and cut off what was written behind them."""
        assert self._file is not None
        for number, line in enumerate(self._file.read(valid_bytes).splitlines(keepends=True), start=1):
            event, self._digest = _read_line(path, number, line, self._digest, self._checked)
            self.events.append(event)
        self._file.truncate(valid_bytes)
        self._file.seek(valid_bytes)

    def write(self, event: Event) -> None:
        """Add an event.

        Errors:   BadFile [write-failed]
        """
        self.events.append(event)
        if self._file is not None:
            line = json.dumps(_finite(event), allow_nan=False).encode() + b"\n"
            if self._checked:
                self._digest = zlib.crc32(line, self._digest)
                line = line[:-2] + b', "checksum": "%08x"}\n' % self._digest
            try:
                self._file.write(line)
            except OSError as error:
                raise _failed(self._path, error) from None

    def sync(self) -> int:
        """Bring what was written to the disk, and return the bytes so far.

        Errors:   BadFile [write-failed]
        """
        if self._file is None:
            return 0
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            return self._file.tell()
        except OSError as error:
            raise _failed(self._path, error) from None

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            try:
                self._file.close()
            except OSError as error:
                raise _failed(self._path, error) from None


def read_log(path: Path, checked: bool | None = None) -> Iterator[Event]:
    """Yield the events of a log; a last line that was cut off is left out.

    `checked` tells whether the lines must have checksums; None takes the first line's word for it.

    Errors:   BadFile [file-missing], [log-line]
    """
    try:
        with open_regular(path) as file:
            lines = file.read().splitlines(keepends=True)
    except OSError:
        raise BadFile(
            f"{str(path)!r} must be the log of a run; got no such file; check the path. [file-missing]"
        ) from None
    if checked is None:
        checked = bool(lines) and _SEAL.search(lines[0]) is not None
    digest = 0
    for number, line in enumerate(lines, start=1):
        if number == len(lines) and not line.endswith(b"\n"):
            return
        event, digest = _read_line(path, number, line, digest, checked)
        yield event


def _read_line(path: Path, number: int, line: bytes, digest: int, checked: bool) -> tuple[Event, int]:
    """Return a line's event, and the checksum of all lines up to it."""
    if checked:
        seal = _SEAL.search(line)
        plain = line if seal is None else line[: seal.start()] + b"}\n"
        digest = zlib.crc32(plain, digest)
        if seal is None or int(seal[1], 16) != digest:
            raise _bad_line(path, number, "as the run wrote it", "another line than its checksum was made of")
        line = plain
    try:
        event = parse_json(line)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise _bad_line(path, number, "one JSON object a line", "something else")
    name = event.get("event")
    misfit = first_misfit(event, _KINDS.get(name, {}) if isinstance(name, str) else {"event": TEXT.maybe()})
    if misfit is None and not checked and "checksum" in event:
        misfit = "a checksum, where earlier lines have none"
    if misfit is not None:
        raise _bad_line(path, number, "a log of epochs and steps", misfit)
    return event, digest


def _bad_line(path: Path, number: int, rule: str, got: str) -> BadFile:
    return BadFile(
        f"{str(path)!r} must be {rule}; got {got} in line {number}; use the log as it was written. [log-line]"
    )


def _finite(value: Any) -> Any:
    """Return the value with null for NaN and infinity, which JSON does not have."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _failed(path: Path | None, error: Exception) -> BadFile:
    reason = (getattr(error, "strerror", None) or str(error)).lower()
    return BadFile(
        f"{str(path)!r} must be a log that can be written; got an error ({reason}); what was saved before is "
        "intact: make room or choose another folder, then resume. [write-failed]"
    )


LARGE_LOSS = 1e4


class Epoch(NamedTuple):
    """One epoch: mean loss and accuracy while training, and on the validation data where there is some."""

    epoch: int
    step: int
    lr: float
    loss: float
    accuracy: float
    validation_loss: float | None = None
    validation_accuracy: float | None = None

    def __str__(self) -> str:
        text = f"epoch {self.epoch}: loss {loss_text(self.loss)}, accuracy {100 * self.accuracy:.2f} %"
        if self.validation_loss is not None and self.validation_accuracy is not None:
            text += f", validation {loss_text(self.validation_loss)}, {100 * self.validation_accuracy:.2f} %"
        return text


@dataclass(frozen=True)
class History:
    """The epochs of a run. `stopped` says why it ended: "epochs", "patience", or "diverged".

    `diverged_at` is the step from which the loss stayed far above where it began.
    """

    epochs: tuple[Epoch, ...]
    stopped: str = "epochs"
    diverged_at: int | None = None

    def __iter__(self) -> Iterator[Epoch]:
        return iter(self.epochs)

    def __len__(self) -> int:
        return len(self.epochs)

    def __getitem__(self, index: int) -> Epoch:
        return self.epochs[index]

    def __str__(self) -> str:
        return "\n".join(map(str, self.epochs))

    def _repr_html_(self) -> str:
        from ..render.training import history_table

        return history_table(self).html()

    def column(self, name: str) -> list[Any]:
        """Return one number of every epoch: column("validation_accuracy")."""
        return [getattr(epoch, name) for epoch in self.epochs]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        step = {} if self.diverged_at is None else {"diverged_at": self.diverged_at}
        return {"stopped": self.stopped, **step, "epochs": [epoch._asdict() for epoch in self.epochs]}


def history_of(events: Iterable[Event], stopped: str = "epochs") -> History:
    """Return the history that a log tells."""
    listed = list(events)
    told = [event for event in listed if event.get("event") == "epoch"]
    since = [event.get("since") for event in listed if event.get("reason") == "diverged"]
    return History(tuple(map(_epoch, told)), stopped, since[-1] if since else None)


def _epoch(event: Event) -> Epoch:
    numbers = {name: event[name] for name in Epoch._fields if name in event}
    for name in ("lr", "loss", "accuracy"):
        if numbers[name] is None:  # JSON has no NaN
            numbers[name] = math.nan
    return Epoch(**numbers)


def loss_text(loss: float) -> str:
    """Write a loss with four decimals, a large one with four digits."""
    return f"{loss:.4f}" if loss < LARGE_LOSS else f"{loss:.4g}"
