"""Learning-rate schedules, as pure functions of the step."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from ..errors import BadSetting, suggest
from ..text.language import Message
from .checks import check_integer, check_number, set_field

_COUNT_STEPS = Message("Count steps, not epochs.")


@dataclass(frozen=True)
class Schedule:
    """Base of all schedules. Steps count batches from 0; `total` is the number of steps of the run."""

    def rate(self, lr: float, step: int, total: int | None = None) -> float:
        """Return the learning rate of a step."""
        raise TypeError(f"{type(self).__name__} has no rate")


@dataclass(frozen=True)
class Constant(Schedule):
    """Constant learning rate."""

    def rate(self, lr: float, step: int, total: int | None = None) -> float:
        return lr


@dataclass(frozen=True)
class StepDecay(Schedule):
    """Multiply the learning rate by `gamma` every `every` steps (default: a third of the run).

    Formula:  lr·gamma^⌊step / every⌋
    Source:   PyTorch StepLR
    """

    every: int | None = None
    gamma: float = 0.1

    def __post_init__(self) -> None:
        if self.every is not None:
            set_field(self, "every", check_integer("StepDecay.every", self.every, 1, _COUNT_STEPS))
        _keep_real(self, "gamma", above=True, hint=Message("0.1 is usual."))

    def rate(self, lr: float, step: int, total: int | None = None) -> float:

        every = self.every if self.every is not None else max(1, _length(self, None, total) // 3)
        try:
            return lr * self.gamma ** (step // every)
        except OverflowError:
            return math.inf


@dataclass(frozen=True)
class Cosine(Schedule):
    """Fall along half a cosine to `lowest` within `steps` (default: the whole run), then stay there.

    Formula:  lowest + (lr − lowest)·(1 + cos(π·step / steps)) / 2
    Source:   Loshchilov & Hutter 2017; PyTorch CosineAnnealingLR
    """

    steps: int | None = None
    lowest: float = 0.0

    def __post_init__(self) -> None:
        _check_steps(self, self.steps)
        _keep_real(self, "lowest", hint=Message("Use 0."))

    def rate(self, lr: float, step: int, total: int | None = None) -> float:

        steps = _length(self, self.steps, total)
        return self.lowest + (lr - self.lowest) * (1 + math.cos(math.pi * min(step, steps) / steps)) / 2


@dataclass(frozen=True)
class OneCycle(Schedule):
    """Rise from lr / div to lr in the first part of the run, then fall to lr / div / final_div.

    Both follow a cosine. `rise` is the fraction of the run in which the rate rises.

    Source:   Smith & Topin 2018; PyTorch OneCycleLR, whose max_lr is the optimizer's lr here
    """

    steps: int | None = None
    rise: float = 0.3
    div: float = 25.0
    final_div: float = 1e4

    def __post_init__(self) -> None:
        _check_steps(self, self.steps)
        _keep_real(self, "rise", below=1, hint=Message("0.3 is usual."))
        _keep_real(self, "div", above=True, hint=Message("25 is usual."))
        _keep_real(self, "final_div", above=True, hint=Message("1e4 is usual."))

    def rate(self, lr: float, step: int, total: int | None = None) -> float:

        last = _length(self, self.steps, total) - 1
        top = self.rise * (last + 1) - 1
        first, lowest = lr / self.div, lr / self.div / self.final_div
        now = min(step, last)
        if top > 0 and now <= top:
            return _along_cosine(first, lr, now / top)
        start = max(top, 0.0)
        return _along_cosine(lr, lowest, (now - start) / (last - start) if last > start else 1.0)


@dataclass(frozen=True)
class WarmUp(Schedule):
    """Rise linearly from `start`·lr to lr within `steps`, then follow another schedule.

    Source:   Goyal et al. 2017; PyTorch LinearLR, then SequentialLR
    """

    steps: int = 100
    start: float = 0.01
    then: Schedule = field(default_factory=Constant)

    def __post_init__(self) -> None:
        set_field(self, "steps", check_integer("WarmUp.steps", self.steps, 1, _COUNT_STEPS))
        _keep_real(self, "start", hint=Message("0.01 is usual."))
        set_field(self, "then", get_schedule(self.then))

    def rate(self, lr: float, step: int, total: int | None = None) -> float:

        if step < self.steps:
            return lr * (self.start + (1 - self.start) * step / self.steps)
        return self.then.rate(lr, step - self.steps, None if total is None else max(1, total - self.steps))


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "step": StepDecay,
    "cosine": Cosine,
    "one_cycle": OneCycle,
    "warm_up": WarmUp,
}
"""Schedules by their names in configurations."""


def get_schedule(schedule: str | Schedule | None, setting: str = "fit.schedule") -> Schedule:
    """Return a schedule by name. None is the constant schedule. `setting` is what errors call the argument.

    Raises:
        BadSetting: [schedule]
    """
    if schedule is None:
        return Constant()
    if isinstance(schedule, Schedule):
        return schedule
    key = str(schedule).replace("-", "_")
    if key not in SCHEDULES:
        raise BadSetting(
            "{setting} must be a schedule or its name (got {got!r}). {hint} [schedule]",
            setting=setting,
            got=schedule,
            hint=suggest(key, SCHEDULES),
        )
    return SCHEDULES[key]()


def _along_cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


def _keep_real(
    schedule: Schedule, name: str, below: float = math.inf, *, above: bool = False, hint: Message
) -> None:
    """Check a non-negative setting and store it as a float."""
    setting = f"{type(schedule).__name__}.{name}"
    set_field(schedule, name, check_number(setting, getattr(schedule, name), 0, below, above=above, hint=hint))


def _check_steps(schedule: Schedule, steps: int | None) -> None:
    if steps is not None:
        hint = Message("Leave it out for the whole run.")
        set_field(schedule, "steps", check_integer(f"{type(schedule).__name__}.steps", steps, 1, hint))


def _length(schedule: Schedule, steps: int | None, total: int | None) -> int:
    length = steps if steps is not None else total
    if length is None:
        name = "every" if isinstance(schedule, StepDecay) else "steps"
        raise BadSetting(
            "{setting} must be set if the length of the run is unknown (got None). Set it, or train with fit. "
            "[schedule-length]",
            setting=f"{type(schedule).__name__}.{name}",
        )
    return length
