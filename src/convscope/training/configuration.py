"""All settings of one training, checked, to JSON and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, TypeVar

from ..data.transforms import parse_augmentation
from ..errors import BadSetting, nearest
from ..optim.checks import check_integer, check_number, keep
from ..optim.losses import LOSSES, CrossEntropy, Loss, loss_named
from ..optim.optimizers import OPTIMIZERS, SGD, Optimizer
from ..optim.schedules import SCHEDULES, Constant, Schedule, schedule_named

V = TypeVar("V")


@dataclass(frozen=True)
class Configuration:
    """How to train. Steps count batches.

    `patience` epochs without a lower loss (of validation, where there is some) end the run early; None never does.
    `checkpoint_every` is in steps; None saves at the end of every epoch and whenever half a minute has passed.
    `augment` is what `data.parse_augmentation` reads. `data` and `validation` are names, where data was named.

    Errors:   BadSetting [setting], [optimizer], [loss], [schedule], [augment-name],
              [augment-strength]
    """

    epochs: int = 5
    batch_size: int = 64
    optimizer: Optimizer = field(default_factory=lambda: SGD(lr=0.05, momentum=0.9))
    loss: Loss = field(default_factory=CrossEntropy)
    schedule: Schedule = field(default_factory=Constant)
    clip_norm: float | None = None
    augment: str | None = None
    patience: int | None = None
    checkpoint_every: int | None = None
    data: str | None = None
    validation: str | None = None

    def __post_init__(self) -> None:
        keep(self, "epochs", check_integer("fit", "epochs", self.epochs, 1, "use 5"))
        keep(self, "batch_size", check_integer("fit", "batch_size", self.batch_size, 1, "64 is usual"))
        if not isinstance(self.optimizer, Optimizer):
            raise BadSetting(
                f"fit.optimizer must be SGD, Adam or AdamW; got optimizer={self.optimizer!r}; "
                "use convscope.SGD(lr=0.05, momentum=0.9). [optimizer]"
            )
        keep(self, "loss", loss_named(self.loss))
        keep(self, "schedule", schedule_named(self.schedule))
        if self.clip_norm is not None:
            clip = check_number("fit", "clip_norm", self.clip_norm, 0, above=True, way_out="1 is usual")
            keep(self, "clip_norm", clip)
        if self.augment is not None:
            keep(self, "augment", str(parse_augmentation(str(self.augment))))
        if self.patience is not None:
            keep(self, "patience", check_integer("fit", "patience", self.patience, 1, "3 is usual"))
        if self.checkpoint_every is not None:
            every = check_integer(
                "fit", "checkpoint_every", self.checkpoint_every, 1, "leave it out for epoch ends"
            )
            keep(self, "checkpoint_every", every)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            **{item.name: getattr(self, item.name) for item in fields(self)},
            "optimizer": to_json(self.optimizer, OPTIMIZERS),
            "loss": to_json(self.loss, LOSSES),
            "schedule": to_json(self.schedule, SCHEDULES),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Configuration:
        """Return the configuration that a JSON document describes.

        Errors:   BadSetting [configuration-key] for keys nobody knows, and those of the settings
        """
        refuse_unknown("configuration", document, [item.name for item in fields(cls)])
        parsed = dict(document)
        kinds: dict[str, Mapping[str, type[Any]]] = {
            "optimizer": OPTIMIZERS,
            "loss": LOSSES,
            "schedule": SCHEDULES,
        }
        for key, known in kinds.items():
            if key in parsed:
                parsed[key] = from_json(parsed[key], known, key)
        return cls(**parsed)


def to_json(value: Any, known: Mapping[str, type[Any]]) -> dict[str, Any]:
    """Return a value's name in `known`, and its settings."""
    name = next(name for name, kind in known.items() if kind is type(value))
    settings = {item.name: getattr(value, item.name) for item in fields(value)}
    return {"name": name, **{key: _plain(setting) for key, setting in settings.items()}}


def from_json(document: Any, known: Mapping[str, type[V]], what: str) -> V:
    """Return the value that a name, or a name with settings, describes.

    Errors:   BadSetting [configuration-value], [configuration-key]
    """
    described = {"name": document} if isinstance(document, str) else document
    name = described.get("name") if isinstance(described, Mapping) else None
    if not isinstance(described, Mapping) or not isinstance(name, str) or name not in known:
        advice = nearest(name, known) if isinstance(name, str) else "give a name, or a name with settings."
        raise BadSetting(
            f"configuration.{what} must be one of {', '.join(known)}; got {what}={document!r}; {advice} "
            "[configuration-value]"
        )
    kind: Any = known[name]
    settings = {key: value for key, value in described.items() if key != "name"}
    refuse_unknown(f"configuration.{what}", settings, [item.name for item in fields(kind)])
    for item in fields(kind):
        default = item.default_factory() if item.default_factory is not MISSING else item.default
        if item.name in settings and isinstance(default, Schedule):
            settings[item.name] = from_json(settings[item.name], SCHEDULES, "schedule")
        elif item.name in settings and isinstance(default, tuple):
            settings[item.name] = _tuple(settings[item.name])
    made: V = kind(**settings)
    return made


def refuse_unknown(owner: str, document: Mapping[str, Any], known: Iterable[str]) -> None:
    """Raise BadSetting [configuration-key] for the first key that nobody knows, with the nearest ones."""
    keys = list(known)
    for key in document:
        if key not in keys:
            raise BadSetting(
                f"{owner} must have only keys that mean something; got {key!r}; {nearest(str(key), keys)} "
                "[configuration-key]"
            )


def _tuple(setting: Any) -> Any:
    """Return a list as a tuple; anything else is left to the check of its class."""
    return tuple(setting) if isinstance(setting, list) else setting


def _plain(setting: Any) -> Any:
    if isinstance(setting, Schedule):
        return to_json(setting, SCHEDULES)
    return list(setting) if isinstance(setting, tuple) else setting
