"""Optimizers as values; each engine knows how to run their updates."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import BadSetting
from .checks import check_flag, check_number, keep


@dataclass(frozen=True)
class Optimizer:
    """How parameters follow their gradients. `lr` is the learning rate that a schedule starts from."""

    lr: float = 0.001

    def __post_init__(self) -> None:
        self._real("lr", 0, above=True, way_out="0.01 is a common start")

    def _real(
        self, name: str, least: float, below: float = float("inf"), *, above: bool = False, way_out: str
    ) -> None:
        """Check a setting and keep it as a float."""
        value = getattr(self, name)
        number = check_number(type(self).__name__, name, value, least, below, above=above, way_out=way_out)
        keep(self, name, number)


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent, with a velocity where `momentum` is not 0.

    Formula:  g ← g + weight_decay·w; v ← momentum·v + g; w ← w − lr·v, or with nesterov w − lr·(g + momentum·v)
    Errors:   BadSetting [setting], [nesterov]
    Source:   PyTorch SGD with dampening 0
    """

    lr: float = 0.01
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._real("momentum", 0, 1, way_out="0.9 is usual")
        self._real("weight_decay", 0, way_out="use 0 for none")
        if check_flag("SGD", "nesterov", self.nesterov) and not self.momentum:
            raise BadSetting(
                "SGD.nesterov must come with momentum; got momentum=0.0; set momentum=0.9 or leave nesterov out. "
                "[nesterov]"
            )


@dataclass(frozen=True)
class Adam(Optimizer):
    """Steps scaled by the gradients' recent size; `weight_decay` is added to the gradient (L2).

    Formula:  m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²; w ← w − lr·(m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + eps)
    Errors:   BadSetting [setting], [betas]
    Source:   Kingma & Ba 2015; PyTorch Adam
    """

    lr: float = 0.001
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_moments(self)
        self._real("eps", 0, above=True, way_out="1e-8 is usual")
        self._real("weight_decay", 0, way_out="use 0 for none")


@dataclass(frozen=True)
class AdamW(Optimizer):
    """Adam with decay apart from the gradient: w ← w·(1 − lr·weight_decay) first.

    Errors:   BadSetting [setting], [betas]
    Source:   Loshchilov & Hutter 2019; PyTorch AdamW
    """

    lr: float = 0.001
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_moments(self)
        self._real("eps", 0, above=True, way_out="1e-8 is usual")
        self._real("weight_decay", 0, way_out="use 0 for none")


def _check_moments(optimizer: Adam | AdamW) -> None:
    betas = optimizer.betas
    if not isinstance(betas, tuple | list) or len(betas) != 2:
        raise BadSetting(
            f"{type(optimizer).__name__}.betas must be two numbers from 0 and below 1; got betas={betas!r}; "
            "(0.9, 0.999) is usual. [betas]"
        )
    way_out = "betas=(0.9, 0.999) is usual"
    owner = type(optimizer).__name__
    pair = tuple(check_number(owner, f"betas[{i}]", beta, 0, 1, way_out=way_out) for i, beta in enumerate(betas))
    keep(optimizer, "betas", pair)


OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD, "adam": Adam, "adamw": AdamW}
"""By the names of configurations."""
