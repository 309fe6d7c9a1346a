"""The log of a run: one JSON object a line, the same for the same run.

{"event": "step", "step", "loss", "lr"} · {"event": "epoch", "epoch", "step", "loss", "accuracy", "lr",
"validation_loss", "validation_accuracy", "layers"} · {"event": "stop", "reason", …}. No times are in it: a run
that was interrupted and resumed writes the very same lines.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from io import BufferedRandom
from pathlib import Path
from typing import Any

from ..errors import BadFile
from ..files import open_regular

Event = dict[str, Any]


class Log:
    """Events in memory, and in a file where the run has a folder."""

    def __init__(self, path: Path | None = None, valid_bytes: int = 0) -> None:
        self._path = path
        self._file: BufferedRandom | None = None
        self.events: list[Event] = []
        if path is None:
            return
        try:
            path.touch()
            if path.stat().st_size < valid_bytes:
                raise ValueError(f"it has fewer than the {valid_bytes:,} bytes written before")
            self._file = open(path, "r+b")  # noqa: SIM115 - open as long as the run
            self._file.truncate(valid_bytes)
            self.events = [json.loads(line) for line in self._file]
        except (OSError, ValueError) as error:
            raise _failed(path, error) from None

    def write(self, event: Event) -> None:
        """Add an event.

        Errors:   BadFile [write-failed]
        """
        self.events.append(event)
        if self._file is not None:
            line = json.dumps(_finite(event), allow_nan=False) + "\n"
            try:
                self._file.write(line.encode())
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


def read_log(path: Path) -> Iterator[Event]:
    """Yield the events of a log; a last line that was cut off is left out.

    Errors:   BadFile [file-missing], [log-line]
    """
    try:
        with open_regular(path) as file:
            lines = file.read().splitlines(keepends=True)
    except OSError:
        raise BadFile(
            f"{str(path)!r} must be the log of a run; got no such file; check the path. [file-missing]"
        ) from None
    for number, line in enumerate(lines, start=1):
        if not line.endswith(b"\n"):
            return
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if not isinstance(event, dict):
            raise BadFile(
                f"{str(path)!r} must be one JSON object a line; got something else in line {number}; "
                "use the log as it was written. [log-line]"
            )
        yield event


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
