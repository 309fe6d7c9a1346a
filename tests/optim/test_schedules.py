"""Learning-rate schedules, compared with PyTorch's step by step."""

import re

import pytest
import torch
from torch.optim import lr_scheduler as theirs

from convscope.errors import BadSetting
from convscope.optim.schedules import Constant, Cosine, OneCycle, StepDecay, WarmUp, get_schedule

LR = 0.3


def rates(make, steps):
    """Return the rate PyTorch uses at each step."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], LR)
    scheduler = make(optimizer)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


@pytest.mark.parametrize(
    ("schedule", "make", "steps"),
    [
        (StepDecay(every=7, gamma=0.4), lambda o: theirs.StepLR(o, 7, 0.4), 30),
        (Cosine(steps=23, lowest=0.02), lambda o: theirs.CosineAnnealingLR(o, 23, 0.02), 24),
        (OneCycle(steps=40), lambda o: theirs.OneCycleLR(o, LR, 40, cycle_momentum=False), 40),
        (
            OneCycle(steps=31, rise=0.2, div=10, final_div=50),
            lambda o: theirs.OneCycleLR(
                o, LR, 31, pct_start=0.2, div_factor=10, final_div_factor=50, cycle_momentum=False
            ),
            31,
        ),
        (WarmUp(steps=6, start=0.1), lambda o: theirs.LinearLR(o, 0.1, 1.0, 6), 15),
        (
            WarmUp(steps=5, start=0.2, then=Cosine(steps=12)),
            lambda o: theirs.SequentialLR(
                o, [theirs.LinearLR(o, 0.2, 1.0, 5), theirs.CosineAnnealingLR(o, 12)], [5]
            ),
            17,
        ),
    ],
)
def test_rates_match_pytorch(schedule, make, steps):
    assert [schedule.rate(LR, step) for step in range(steps)] == pytest.approx(
        rates(make, steps), rel=1e-9, abs=1e-15
    )


def test_default_length_is_that_of_the_run():
    assert Cosine().rate(LR, 5, 20) == Cosine(steps=20).rate(LR, 5)
    assert OneCycle().rate(LR, 5, 20) == OneCycle(steps=20).rate(LR, 5)
    assert StepDecay().rate(LR, 14, 21) == StepDecay(every=7).rate(LR, 14)
    assert WarmUp(3, then=Cosine()).rate(LR, 9, 20) == Cosine(steps=17).rate(LR, 6)
    assert Constant().rate(LR, 10**6) == LR


def test_rates_stay_constant_after_the_end():
    assert Cosine(steps=10, lowest=0.1).rate(LR, 99) == pytest.approx(0.1)
    assert OneCycle(steps=10).rate(LR, 99) == OneCycle(steps=10).rate(LR, 9)
    assert OneCycle(steps=1).rate(LR, 0) == pytest.approx(LR / 25 / 1e4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Cosine(steps=0), "Cosine.steps must be an integer of at least 1 (got 0). Leave it out for "
                                  "the whole run. [setting]"),
        (lambda: StepDecay(gamma=0), "StepDecay.gamma must be a number above 0 (got 0). 0.1 is usual. "
                                     "[setting]"),
        (lambda: OneCycle(rise=1), "OneCycle.rise must be a number of at least 0 and below 1 (got 1). 0.3 is "
                                   "usual. [setting]"),
        (lambda: Cosine().rate(LR, 3), "Cosine.steps must be set if the length of the run is unknown (got "
                                       "None). Set it, or train with fit. [schedule-length]"),
        (lambda: get_schedule("cosin"), "fit.schedule must be a schedule or its name (got 'cosin'). Did you "
                                        "mean cosine? [schedule]"),
    ],
)  # fmt: skip
def test_invalid_settings_are_reported(make, message):
    with pytest.raises(BadSetting, match=f"^{re.escape(message)}$"):
        make()


def test_names_may_have_hyphens():
    assert get_schedule("one-cycle") == OneCycle()
    assert get_schedule(None) == Constant()
