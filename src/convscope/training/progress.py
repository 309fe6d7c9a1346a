"""Training progress on stderr: a bar on a terminal, one line per epoch otherwise."""

from __future__ import annotations

import time
from typing import TextIO

from ..progress import StatusLine
from ..text.language import localize, translate
from ..text.numbers import clock
from .history import Epoch, loss_text

_BETWEEN_SECONDS = 0.1
_BAR_CELLS = 24


class Progress:
    """Shows steps and epochs, unless `shown` is False."""

    def __init__(self, epochs: int, shown: bool = True, stream: TextIO | None = None) -> None:
        self._epochs = epochs
        self._line = StatusLine(stream)
        self._shown = shown
        self._bar = shown and self._line.is_live
        self._begun = self._drawn = 0.0
        self._from_batch = 0
        self._images = 0

    def begin_epoch(self, batch: int) -> None:
        """Start the clock. `batch` is not 0 if a run resumes within an epoch."""
        self._begun = time.perf_counter()
        self._from_batch, self._images = batch, 0

    def step(self, epoch: int, batch: int, batches: int, images: int, loss: float) -> None:
        """Show the progress of the epoch, the speed and the remaining time."""
        self._images += images
        now = time.perf_counter()
        if not self._bar or (now - self._drawn < _BETWEEN_SECONDS and batch < batches):
            return
        self._drawn = now
        seconds = max(now - self._begun, 1e-9)
        left = seconds / (batch - self._from_batch) * (batches - batch)
        full = _BAR_CELLS * batch // batches
        bar = "█" * full + "░" * (_BAR_CELLS - full)
        self._line.show(
            localize(
                "epoch {epoch}/{epochs} {bar} {batch}/{batches}  loss {loss}  {rate:,.0f} images/s  {left} left",
                epoch=epoch,
                epochs=self._epochs,
                bar=bar,
                batch=batch,
                batches=batches,
                loss=loss_text(loss),
                rate=self._images / seconds,
                left=clock(left),
            )
        )

    def end_epoch(self, epoch: Epoch, dead: int = 0, units: int = 0) -> None:
        """Show the results of the epoch, and how many units are dead, if some are."""
        if not self._shown:
            return
        seconds = time.perf_counter() - self._begun
        text = translate(epoch.message())
        if dead:
            text = localize("{epoch}, dead units {dead:,} of {units:,}", epoch=text, dead=dead, units=units)
        text = f"{text} ({seconds:.1f} s)"
        if self._bar:
            self._line.show(text)
            text = ""
        self._line.write(f"{text}\n")

    def say(self, text: str) -> None:
        """Show a message on its own line, even if progress is not shown."""
        self._line.write(f"\n{text}\n" if self._bar else f"{text}\n")
