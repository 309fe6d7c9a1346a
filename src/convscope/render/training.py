"""Training history as a table, and the best epoch."""

from __future__ import annotations

from ..text.language import Message, localize
from ..text.numbers import accuracy_percent
from ..text.table import Cell, Column, Table
from ..training.history import Epoch, History, loss_text

BEST = Message("best")


def best_epoch(history: History) -> Epoch | None:
    """Return the epoch with the lowest loss, the first of equals; its parameters are the best checkpoint.

    Epochs that ended after the training diverged do not count.
    """
    limit = history.diverged_at
    candidates = (epoch for epoch in history if limit is None or epoch.step <= limit)
    return min(candidates, key=_loss, default=None)


def best_text(history: History) -> str | None:
    """Return one line on the best epoch; None where no epoch ended before the training diverged."""
    best = best_epoch(history)
    if best is None:
        return None
    if best.validation_loss is not None and best.validation_accuracy is not None:
        return localize(
            "best: epoch {epoch} of {epochs}, validation loss {loss}, accuracy {accuracy}",
            epoch=best.epoch,
            epochs=history[-1].epoch,
            loss=loss_text(best.validation_loss),
            accuracy=accuracy_percent(best.validation_accuracy),
        )
    return localize(
        "best: epoch {epoch} of {epochs}, loss {loss}, accuracy {accuracy}",
        epoch=best.epoch,
        epochs=history[-1].epoch,
        loss=loss_text(best.loss),
        accuracy=accuracy_percent(best.accuracy),
    )


def history_table(history: History) -> Table:
    """Return the epochs as a table with the best one marked."""
    best = best_epoch(history)
    checked = any(epoch.validation_loss is not None for epoch in history)
    columns = [
        Column(Message("epoch"), 0),
        Column(Message("learning rate"), 1),
        Column(Message("loss"), 0, group=Message("training")),
        Column(Message("accuracy"), 0, group=Message("training")),
    ]
    if checked:
        columns += [
            Column(Message("loss"), 0, group=Message("validation")),
            Column(Message("accuracy"), 0, group=Message("validation")),
        ]
    columns.append(Column("", 0, right=False))
    rows = [_cells(epoch, checked, epoch is best) for epoch in history]
    return Table(tuple(columns), rows, core=1)


def _cells(epoch: Epoch, checked: bool, best: bool) -> list[Cell]:
    cells: list[Cell] = [epoch.epoch, f"{epoch.lr:.4g}", loss_text(epoch.loss), accuracy_percent(epoch.accuracy)]
    if checked:
        loss, accuracy = epoch.validation_loss, epoch.validation_accuracy
        cells += ["" if loss is None else loss_text(loss), "" if accuracy is None else accuracy_percent(accuracy)]
    return [*cells, BEST if best else ""]


def _loss(epoch: Epoch) -> float:
    return epoch.loss if epoch.validation_loss is None else epoch.validation_loss
