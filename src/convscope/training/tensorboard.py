"""Export of the log to TensorBoard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import missing_library
from ..text.language import Message
from .history import Event


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
