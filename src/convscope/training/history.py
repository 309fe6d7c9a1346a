"""The log of a run, the history of its epochs, and their export to TensorBoard.

The log has one JSON object per line: {"event": "step", "step", "loss", "lr"} · {"event": "epoch", "epoch", "step",
"loss", "accuracy", "lr", "validation_loss", "validation_accuracy", "layers"} · {"event": "stop", "reason", …}. It
contains no times, so that a resumed run writes the same lines as an uninterrupted one.

Each line ends in "checksum", the CRC-32 of all lines so far, which reveals changed or missing lines. Logs of
schema 1 have no checksums.
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

from ..errors import BadFile, ConvscopeError, missing_library, reason_of
from ..files.json_kinds import COUNT, NUMBER, POSITIVE, TEXT, first_misfit, object_of, parse_json
from ..files.regular import open_regular
from ..text.language import Message

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
"""Required values of each event. Additional values and other events are accepted."""


class Log:
    """Events in memory, and in a file if the run has a folder.

    Raises:
        BadFile: [write-failed], [log-line]
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
                raise ValueError(Message("shorter than the {length:,} bytes written so far", length=valid_bytes))
            self._file = open(path, "r+b")  # noqa: SIM115 - open as long as the run
            self._resume(path, valid_bytes)
        except ConvscopeError:
            self.close()
            raise
        except (OSError, ValueError) as error:
            self.close()
            raise _failed(path, error) from None

    def _resume(self, path: Path, valid_bytes: int) -> None:
        """Read the valid lines, and truncate the rest."""
        assert self._file is not None
        for number, line in enumerate(self._file.read(valid_bytes).splitlines(keepends=True), start=1):
            event, self._digest = _read_line(path, number, line, self._digest, self._checked)
            self.events.append(event)
        self._file.truncate(valid_bytes)
        self._file.seek(valid_bytes)

    def write(self, event: Event) -> None:
        """Append an event.

        Raises:
            BadFile: [write-failed]
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

    def flush(self) -> int:
        """Hand the file to the system, and return its length in bytes.

        Raises:
            BadFile: [write-failed]
        """
        if self._file is None:
            return 0
        try:
            self._file.flush()
            return self._file.tell()
        except OSError as error:
            raise _failed(self._path, error) from None

    def sync(self) -> int:
        """Flush the file to the disk, and return its length in bytes.

        Raises:
            BadFile: [write-failed]
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
    """Yield the events of a log. An incomplete last line is ignored.

    Args:
        path: The log.
        checked: Whether the lines have checksums. By default this is detected from the first line.

    Raises:
        BadFile: [file-missing], [log-line]
    """
    try:
        with open_regular(path) as file:
            lines = file.read().splitlines(keepends=True)
    except OSError:
        raise BadFile(
            "{path!r} is not the readable log of a run. Check the path. [file-missing]",
            path=str(path),
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
    """Return a line's event, and the checksum of all lines so far."""
    if checked:
        seal = _SEAL.search(line)
        plain = line if seal is None else line[: seal.start()] + b"}\n"
        digest = zlib.crc32(plain, digest)
        if seal is None or int(seal[1], 16) != digest:
            raise _bad_line(path, number, Message("it does not match its checksum"))
        line = plain
    try:
        event = parse_json(line)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise _bad_line(path, number, Message("it is not a JSON object"))
    name = event.get("event")
    misfit = first_misfit(event, _KINDS.get(name, {}) if isinstance(name, str) else {"event": TEXT.maybe()})
    if misfit is None and not checked and "checksum" in event:
        misfit = Message("a checksum, where earlier lines have none")
    if misfit is not None:
        raise _bad_line(path, number, misfit)
    return event, digest


def _bad_line(path: Path, number: int, problem: Message) -> BadFile:
    return BadFile(
        "{path!r} is damaged in line {number} ({problem}). Restore the original log. [log-line]",
        path=str(path),
        number=number,
        problem=problem,
    )


def _finite(value: Any) -> Any:
    """Replace NaN and infinity, which JSON does not support, by None."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _failed(path: Path | None, error: Exception) -> BadFile:
    return BadFile(
        "Cannot write the log {path!r} ({reason}). Files saved earlier are intact. Free disk space or choose "
        "another folder, then resume. [write-failed]",
        path=str(path),
        reason=reason_of(error),
    )


LARGE_LOSS = 1e4


class Epoch(NamedTuple):
    """Mean loss and accuracy of an epoch, in training and on the validation data, if any."""

    epoch: int
    step: int
    lr: float
    loss: float
    accuracy: float
    validation_loss: float | None = None
    validation_accuracy: float | None = None

    def message(self) -> Message:
        """Return the values as a sentence."""
        own = Message(
            "epoch {epoch}: loss {loss}, accuracy {accuracy:.2f} %",
            epoch=self.epoch,
            loss=loss_text(self.loss),
            accuracy=100 * self.accuracy,
        )
        if self.validation_loss is None or self.validation_accuracy is None:
            return own
        return Message(
            "{training}, validation {loss}, {accuracy:.2f} %",
            training=own,
            loss=loss_text(self.validation_loss),
            accuracy=100 * self.validation_accuracy,
        )

    def __str__(self) -> str:
        return str(self.message())


@dataclass(frozen=True)
class History:
    """The epochs of a run. `stopped` is the reason why it ended: "epochs", "patience", or "diverged".

    `diverged_at` is the step since which the loss was above the divergence limit.
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
        """Return one value per epoch: column("validation_accuracy")."""
        return [getattr(epoch, name) for epoch in self.epochs]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        step = {} if self.diverged_at is None else {"diverged_at": self.diverged_at}
        return {"stopped": self.stopped, **step, "epochs": [epoch._asdict() for epoch in self.epochs]}


def history_of(events: Iterable[Event], stopped: str = "epochs") -> History:
    """Return the history recorded in a log."""
    listed = list(events)
    epochs = [event for event in listed if event.get("event") == "epoch"]
    since = [event.get("since") for event in listed if event.get("reason") == "diverged"]
    return History(tuple(map(_epoch, epochs)), stopped, since[-1] if since else None)


def _epoch(event: Event) -> Epoch:
    numbers = {name: event[name] for name in Epoch._fields if name in event}
    for name in ("lr", "loss", "accuracy"):
        if numbers[name] is None:  # JSON has no NaN
            numbers[name] = math.nan
    return Epoch(**numbers)


def loss_text(loss: float) -> str:
    """Format a loss with four decimals, or four digits if it is large."""
    return f"{loss:.4f}" if loss < LARGE_LOSS else f"{loss:.4g}"


class EventWriter:
    """Writes the values of every log event as scalars.

    `first_step` is the step at which a run resumes. TensorBoard discards earlier events of later steps.

    Raises:
        MissingExtra: [tensorboard-missing]
    """

    def __init__(self, folder: Path, first_step: int = 0) -> None:
        try:
            from tensorboard.compat.proto.event_pb2 import Event as Record
            from tensorboard.compat.proto.event_pb2 import SessionLog
            from tensorboard.compat.proto.summary_pb2 import Summary
            from tensorboard.summary.writer.event_file_writer import EventFileWriter
        except ImportError:
            needs = Message("TensorBoard files need tensorboard")
            raise missing_library(needs, "tensorboard", "tensorboard-missing") from None
        self._record: Any = Record
        self._summary: Any = Summary
        self._writer: Any = EventFileWriter(str(folder))
        if first_step:
            mark = SessionLog(status=SessionLog.START)
            self._writer.add_event(Record(session_log=mark, step=first_step))

    def write(self, event: Event) -> None:
        """Add one event of the log."""
        values = [self._summary.Value(tag=tag, simple_value=number) for tag, number in _scalars(event)]
        if values:
            self._writer.add_event(self._record(summary=self._summary(value=values), step=event["step"]))

    def close(self) -> None:
        """Flush and close the file."""
        self._writer.close()


def _scalars(event: Event) -> Iterator[tuple[str, float]]:
    """Yield tags and values: "step/loss", "epoch/accuracy", "relu1/dead"."""
    for name, value in event.items():
        if isinstance(value, int | float) and name not in ("step", "epoch"):
            yield f"{event['event']}/{name}", value
    for layer, numbers in event.get("layers", {}).items():
        for name, value in numbers.items():
            yield f"{layer}/{name}", value
