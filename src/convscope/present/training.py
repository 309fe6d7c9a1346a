"""A training's epochs as a table."""

from __future__ import annotations

from collections.abc import Sequence

from ..training.history import Epoch, History
from .grid import Cell, Column, Table

BEST = "best"
LARGE_LOSS = 1e4


def best_epoch(history: History) -> Epoch | None:
    """Return the epoch whose parameters a run keeps as its best: that of the lowest loss, the first of equals."""
    return min(history, key=_loss, default=None)


def history_table(history: History, title: str = "", notes: Sequence[str] = ()) -> Table:
    """Return the epochs one below the other; the best is marked."""
    best = best_epoch(history)
    checked = any(epoch.validation_loss is not None for epoch in history)
    columns = [
        Column("epoch", 0),
        Column("learning rate", 1),
        Column("loss", 0, group="training"),
        Column("accuracy", 0, group="training"),
    ]
    if checked:
        columns += [Column("loss", 0, group="validation"), Column("accuracy", 0, group="validation")]
    columns.append(Column("", 0, right=False))
    rows = [_cells(epoch, checked, epoch is best) for epoch in history]
    return Table(tuple(columns), rows, None, title, tuple(notes), core=1)


def _cells(epoch: Epoch, checked: bool, best: bool) -> list[Cell]:
    cells: list[Cell] = [epoch.epoch, f"{epoch.lr:.4g}", _written(epoch.loss), share(epoch.accuracy)]
    if checked:
        loss, accuracy = epoch.validation_loss, epoch.validation_accuracy
        cells += ["" if loss is None else _written(loss), "" if accuracy is None else share(accuracy)]
    return [*cells, BEST if best else ""]


def share(part: float) -> str:
    """Write a share with two decimals, so that one picture of ten thousand shows."""
    return f"{100 * part:.2f} %"


def _written(loss: float) -> str:
    return f"{loss:.4f}" if loss < LARGE_LOSS else f"{loss:.4g}"


def _loss(epoch: Epoch) -> float:
    return epoch.loss if epoch.validation_loss is None else epoch.validation_loss
