"""How far a run has come: all that a resumed run must know beside its arrays."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from .json_kinds import COUNT, FLOAT, TEXT, first_misfit

_KINDS = {
    "epoch": COUNT,
    "batch": COUNT,
    "step": COUNT,
    "loss_sum": FLOAT,
    "correct": COUNT,
    "count": COUNT,
    "best": FLOAT.or_null(),
    "stale": COUNT,
    "log_bytes": COUNT,
    "finished": TEXT.or_null(),
    "level": FLOAT.or_null().maybe(),
    "high_since": COUNT.or_null().maybe(),
}


@dataclass
class Position:
    """The place between two steps. Sums are over the images of the epoch so far.

    `best` is the lowest loss of an epoch so far, `stale` the epochs since, `log_bytes` how much of the log is
    valid, `finished` why the run ended. `level` is the loss that divergence is measured by, `high_since` the first
    of the steps in a row whose loss is far above it.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    correct: int = 0
    count: int = 0
    best: float | None = None
    stale: int = 0
    log_bytes: int = 0
    finished: str | None = None
    level: float | None = None
    high_since: int | None = None

    @property
    def high_steps(self) -> int:
        """Return how many steps in a row, up to the last one, had a loss far above the start."""
        return 0 if self.high_since is None else self.step - self.high_since

    def begin_epoch(self) -> None:
        """Go on to the first batch of the next epoch."""
        self.epoch += 1
        self.batch = 0
        self.loss_sum, self.correct, self.count = 0.0, 0, 0

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, from which floats come back bit for bit."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Any) -> Position:
        """Return the position of a JSON document.

        Errors:   ValueError that says what the document lacks
        """
        misfit = first_misfit(document, _KINDS)
        if misfit is None:
            misfit = next((f"an unknown key {key!r}" for key in document if key not in _KINDS), None)
        if misfit is not None:
            raise ValueError(f"a position with {misfit}")
        return cls(**document)
