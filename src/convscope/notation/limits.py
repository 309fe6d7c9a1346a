"""Limits on what a text may describe, for texts that come from others."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields
from math import prod

from ..errors import BadNotation, BadSetting
from ..layers.base import show_shape
from ..layers.connection import Shape


@dataclass(frozen=True)
class Limits:
    """Limits of `parse_untrusted`.

    Args:
        text: Characters of the text.
        layers: Layers, blocks and repeats written out.
        expanded: Characters of words and names, blocks and repeats written out.
        nesting: Depth of blocks, branches and repeats, and of lists in YAML.
        axis: Positions along one axis of an image or a sequence.
        elements: Values of one layer's output.
        parameters: Parameters of the network.
        seconds: Time for reading the text.

    Raises:
        BadSetting: [limits]
    """

    text: int = 65_536
    layers: int = 20_000
    expanded: int = 1 << 22
    nesting: int = 32
    axis: int = 16_384
    elements: int = 1 << 30
    parameters: int = 10_000_000_000
    seconds: float = 5.0

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
                raise BadSetting(
                    "{setting} must be a number above 0 (got {got!r}). Leave it out for the default. [limits]",
                    setting=f"Limits.{item.name}",
                    got=value,
                )


class Watch:
    """What one text has used of its limits."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.deadline = time.monotonic() + limits.seconds
        self.parameters = 0

    def check_time(self) -> None:
        """Raise BadNotation [limit-time] after the deadline."""
        if time.monotonic() > self.deadline:
            raise BadNotation(
                "The network must be read within {seconds:g} s (took longer). Use fewer layers. [limit-time]",
                seconds=self.limits.seconds,
            )

    def check_layer(self, shape: Shape, params: Iterable[Shape]) -> None:
        """Check a layer's sizes.

        Raises:
            BadNotation: [limit-time], [limit-axis], [limit-elements], [limit-parameters]
        """
        self.check_time()
        if any(size > self.limits.axis for size in shape[1:]):
            raise BadNotation(
                "An axis must have at most {most:,} positions (got {shape}). Use a smaller input. [limit-axis]",
                most=self.limits.axis,
                shape=show_shape(shape),
            )
        if prod(shape) > self.limits.elements:
            raise BadNotation(
                "A layer must output at most {most:,} elements (got {shape}). Use a smaller input or fewer "
                "channels. [limit-elements]",
                most=self.limits.elements,
                shape=show_shape(shape),
            )
        self.parameters += sum(map(prod, params))
        if self.parameters > self.limits.parameters:
            raise BadNotation(
                "A network must have at most {most:,} parameters (got more). Use narrower layers. "
                "[limit-parameters]",
                most=self.limits.parameters,
            )


_watch: ContextVar[Watch | None] = ContextVar("_watch", default=None)


def watch() -> Watch | None:
    """Return the watch over the text that is being read, or None for a trusted one."""
    return _watch.get()


def check_time() -> None:
    """Raise BadNotation [limit-time] if the text that is being read has taken too long."""
    current = _watch.get()
    if current is not None:
        current.check_time()


def lower(most: int, name: str) -> int:
    """Return the lower one of a fixed limit and that of the text that is being read."""
    current = _watch.get()
    return most if current is None else min(most, int(getattr(current.limits, name)))


@contextmanager
def limited(text: str, limits: Limits) -> Iterator[None]:
    """Watch over what is read in the block.

    Raises:
        BadNotation: [limit-text]
    """
    if len(text) > limits.text:
        raise BadNotation(
            "The text must have at most {most:,} characters (got {got:,}). Shorten it. [limit-text]",
            most=limits.text,
            got=len(text),
        )
    token = _watch.set(Watch(limits))
    try:
        yield
    finally:
        _watch.reset(token)
