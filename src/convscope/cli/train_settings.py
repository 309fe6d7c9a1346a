"""What `convscope train` was asked for, as the settings of `Model.fit`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..errors import BadSetting, nearest

if TYPE_CHECKING:
    from ..optim.losses import Loss
    from ..optim.optimizers import Optimizer
    from ..optim.schedules import Schedule

Asked = Mapping[str, Any]
"""Options by name; None where one was not given."""

_PLAIN = {
    "epochs": "epochs",
    "batch_size": "batch_size",
    "clip_norm": "clip_norm",
    "augment": "augment",
    "early_stop": "patience",
    "checkpoint_every": "checkpoint_every",
}
_OPTIMIZER = ("lr", "momentum", "weight_decay")


def fit_settings(asked: Asked) -> dict[str, Any]:
    """Return the arguments of `fit` that were asked for; others keep their usual value.

    Errors:   BadSetting [optimizer], [momentum], [schedule], [loss], [label-smoothing], [setting]
    """
    settings = {name: asked[option] for option, name in _PLAIN.items() if asked[option] is not None}
    made = {"optimizer": _optimizer(asked), "schedule": _schedule(asked), "loss": _loss(asked)}
    return settings | {name: value for name, value in made.items() if value is not None}


def _optimizer(asked: Asked) -> Optimizer | None:
    from ..optim.optimizers import OPTIMIZERS
    from ..training.configuration import Configuration

    given = {name: asked[name] for name in _OPTIMIZER if asked[name] is not None}
    name = asked["optimizer"]
    if name is None and not given:
        return None
    chosen = "sgd" if name is None else str(name).lower()
    if chosen not in OPTIMIZERS:
        raise BadSetting(
            f"--optimizer must be one of {', '.join(OPTIMIZERS)}; got {name!r}; {nearest(chosen, OPTIMIZERS)} "
            "[optimizer]"
        )
    if chosen == "sgd":
        return replace(Configuration().optimizer, **given)
    if "momentum" in given:
        raise BadSetting(
            f"--momentum must come with --optimizer sgd; got {chosen}, which has its own; leave it out. [momentum]"
        )
    return OPTIMIZERS[chosen](**given)


def _schedule(asked: Asked) -> Schedule | None:
    from ..optim.schedules import Constant, WarmUp, get_schedule

    if asked["schedule"] is None and asked["warmup"] is None:
        return None
    followed = Constant() if asked["schedule"] is None else get_schedule(asked["schedule"])
    return followed if asked["warmup"] is None else WarmUp(steps=asked["warmup"], then=followed)


def _loss(asked: Asked) -> Loss | None:
    from ..optim.losses import CrossEntropy, get_loss

    smoothing = asked["label_smoothing"]
    if asked["loss"] is None and smoothing is None:
        return None
    chosen = CrossEntropy() if asked["loss"] is None else get_loss(str(asked["loss"]).replace("-", "_"))
    if smoothing is None:
        return chosen
    if not isinstance(chosen, CrossEntropy):
        raise BadSetting(
            f"--label-smoothing must come with --loss cross_entropy; got {asked['loss']}; leave one out. "
            "[label-smoothing]"
        )
    return CrossEntropy(smoothing)
