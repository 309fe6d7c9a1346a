"""What a training gave, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from .log import Event

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
