"""Optimizer settings. The engines implement the updates."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import BadSetting
from ..text.language import Message
from .checks import check_flag, check_number, set_field

_NO_DECAY = Message("Use 0 for none.")


@dataclass(frozen=True)
class Optimizer:
    """Base of all optimizers. A schedule scales the learning rate `lr`."""

    lr: float = 0.001

    def __post_init__(self) -> None:
        self._real("lr", 0, above=True, hint=Message("0.01 is a common start."))

    def _real(
        self, name: str, least: float, below: float = float("inf"), *, above: bool = False, hint: Message
    ) -> None:
        """Check a setting and store it as a float."""
        setting = f"{type(self).__name__}.{name}"
        number = check_number(setting, getattr(self, name), least, below, above=above, hint=hint)
        set_field(self, name, number)


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent, with optional momentum.

    Formula:  g ← g + weight_decay·w; v ← momentum·v + g; w ← w − lr·v, or with nesterov w − lr·(g + momentum·v)
    Raises:   BadSetting [setting], [nesterov]
    Source:   PyTorch SGD with dampening 0
    """

    lr: float = 0.01
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._real("momentum", 0, 1, hint=Message("0.9 is usual."))
        self._real("weight_decay", 0, hint=_NO_DECAY)
        if check_flag("SGD.nesterov", self.nesterov) and not self.momentum:
            raise BadSetting(
                "SGD.nesterov needs momentum (got momentum=0.0). Set momentum=0.9, or leave nesterov out. "
                "[nesterov]"
            )


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam. `weight_decay` is added to the gradient (L2 penalty).

    Formula:  m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²; w ← w − lr·(m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + eps)
    Raises:   BadSetting [setting], [betas]
    Source:   Kingma & Ba 2015; PyTorch Adam
    """

    lr: float = 0.001
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_moments(self)
        self._real("eps", 0, above=True, hint=Message("1e-8 is usual."))
        self._real("weight_decay", 0, hint=_NO_DECAY)


@dataclass(frozen=True)
class AdamW(Optimizer):
    """Adam with decoupled weight decay: each step starts with w ← w·(1 − lr·weight_decay).

    Raises:   BadSetting [setting], [betas]
    Source:   Loshchilov & Hutter 2019; PyTorch AdamW
    """

    lr: float = 0.001
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_moments(self)
        self._real("eps", 0, above=True, hint=Message("1e-8 is usual."))
        self._real("weight_decay", 0, hint=_NO_DECAY)


def _check_moments(optimizer: Adam | AdamW) -> None:
    betas, setting = optimizer.betas, f"{type(optimizer).__name__}.betas"
    if not isinstance(betas, tuple | list) or len(betas) != 2:
        raise BadSetting(
            "{setting} must be two numbers of at least 0 and below 1 (got {got!r}). (0.9, 0.999) is usual. "
            "[betas]",
            setting=setting,
            got=betas,
        )
    hint = Message("betas=(0.9, 0.999) is usual.")
    pair = tuple(check_number(f"{setting}[{i}]", beta, 0, 1, hint=hint) for i, beta in enumerate(betas))
    set_field(optimizer, "betas", pair)


OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD, "adam": Adam, "adamw": AdamW}
"""Optimizers by their names in configurations."""
