"""Training settings, and their JSON form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, TypeVar

from ..data.transforms import parse_augmentation
from ..errors import BadSetting, suggest
from ..optim.checks import check_bytes, check_integer, check_number, set_field
from ..optim.losses import LOSSES, CrossEntropy, Loss, get_loss
from ..optim.optimizers import OPTIMIZERS, SGD, Optimizer
from ..optim.schedules import SCHEDULES, Constant, Schedule, get_schedule
from ..text.language import Message

V = TypeVar("V")


@dataclass(frozen=True)
class Configuration:
    """Settings of a training run.

    Args:
        epochs: Number of epochs.
        batch_size: Images per step.
        optimizer: SGD, Adam or AdamW.
        loss: A loss or its name.
        schedule: A learning-rate schedule or its name.
        clip_norm: Maximum global L2 norm of the gradients. None disables clipping.
        augment: Augmentation, as `parse_augmentation` reads it.
        patience: Stop after so many epochs without a lower loss (on the validation data, if any). None disables
            it.
        checkpoint_every: Steps between checkpoints. None saves after each epoch and every 30 seconds.
        history: Bytes for a ring of checkpoints to return to, or a text such as "256MB". None keeps none.
        log_every: Steps between lines of the log with the loss of a single step.
        data: The name of the training data, if it has one.
        validation: The name of the validation data, if it has one.

    Raises:
        BadSetting: [setting], [optimizer], [loss], [schedule], [augment-name], [augment-strength],
            [bytes]
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
    history: int | str | None = None
    log_every: int = 50
    data: str | None = None
    validation: str | None = None

    def __post_init__(self) -> None:
        self._integer("epochs", Message("Use 5."))
        self._integer("batch_size", Message("64 is usual."))
        if not isinstance(self.optimizer, Optimizer):
            raise BadSetting(
                "{setting} must be SGD, Adam or AdamW (got {got!r}). Use convscope.SGD(lr=0.05, momentum=0.9). "
                "[optimizer]",
                setting="fit.optimizer",
                got=self.optimizer,
            )
        set_field(self, "loss", get_loss(self.loss))
        set_field(self, "schedule", get_schedule(self.schedule))
        if self.clip_norm is not None:
            clip = check_number("fit.clip_norm", self.clip_norm, 0, above=True, hint=Message("1 is usual."))
            set_field(self, "clip_norm", clip)
        if self.augment is not None:
            set_field(self, "augment", str(parse_augmentation(str(self.augment))))
        if self.patience is not None:
            self._integer("patience", Message("3 is usual."))
        if self.checkpoint_every is not None:
            self._integer("checkpoint_every", Message("Leave it out for a checkpoint after each epoch."))
        if self.history is not None:
            set_field(self, "history", check_bytes("fit.history", self.history))
        self._integer("log_every", Message("1 logs every step."))

    def batches(self, images: int) -> int:
        """Return the steps per epoch. A last batch of one image is dropped: batch norm needs at least two."""
        full, left = divmod(images, self.batch_size)
        return max(1, full + (left > 1 or (left == 1 and self.batch_size == 1)))

    @property
    def history_bytes(self) -> int | None:
        """Return the limit of the ring of checkpoints in bytes."""
        return self.history if isinstance(self.history, int) else None

    def _integer(self, name: str, hint: Message) -> None:
        """Check a setting of at least 1."""
        set_field(self, name, check_integer(f"fit.{name}", getattr(self, name), 1, hint))

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
        """Return the configuration in a JSON document.

        Raises:
            BadSetting: [configuration-key] for an unknown key, and the errors of the settings.
        """
        _refuse_unknown("configuration", document, [item.name for item in fields(cls)])
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
    """Return the JSON form of a value: its name in `known`, and its settings."""
    name = next(name for name, kind in known.items() if kind is type(value))
    settings = {item.name: getattr(value, item.name) for item in fields(value)}
    return {"name": name, **{key: _plain(setting) for key, setting in settings.items()}}


def from_json(document: Any, known: Mapping[str, type[V]], what: str) -> V:
    """Return the value of a JSON form: a name, or a name with settings.

    Raises:
        BadSetting: [configuration-value], [configuration-key]
    """
    described = {"name": document} if isinstance(document, str) else document
    name = described.get("name") if isinstance(described, Mapping) else None
    if not isinstance(described, Mapping) or not isinstance(name, str) or name not in known:
        raise BadSetting(
            "{setting} has an unknown value (got {got!r}). {hint} [configuration-value]",
            setting=f"configuration.{what}",
            got=document,
            hint=suggest(name, known)
            if isinstance(name, str)
            else Message("Pass a name, or a name with settings."),
        )
    kind: Any = known[name]
    settings = {key: value for key, value in described.items() if key != "name"}
    _refuse_unknown(f"configuration.{what}", settings, [item.name for item in fields(kind)])
    for item in fields(kind):
        default = item.default_factory() if item.default_factory is not MISSING else item.default
        if item.name in settings and isinstance(default, Schedule):
            settings[item.name] = from_json(settings[item.name], SCHEDULES, "schedule")
        elif item.name in settings and isinstance(default, tuple):
            settings[item.name] = _tuple(settings[item.name])
    value: V = kind(**settings)
    return value


def _refuse_unknown(owner: str, document: Mapping[str, Any], known: Iterable[str]) -> None:
    """Raise BadSetting [configuration-key] for the first unknown key."""
    keys = list(known)
    for key in document:
        if key not in keys:
            raise BadSetting(
                "{owner} has an unknown key {key!r}. {hint} [configuration-key]",
                owner=owner,
                key=key,
                hint=suggest(str(key), keys),
            )


def _tuple(setting: Any) -> Any:
    """Return a list as a tuple. Other types are checked by the class of the setting."""
    return tuple(setting) if isinstance(setting, list) else setting


def _plain(setting: Any) -> Any:
    if isinstance(setting, Schedule):
        return to_json(setting, SCHEDULES)
    return list(setting) if isinstance(setting, tuple) else setting
