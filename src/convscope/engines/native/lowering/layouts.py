"""Conversions of values between memory layouts."""

from __future__ import annotations

from dataclasses import replace

from ....layers.connection import Shape
from ....text.language import Message
from ..kernels.merge.packing import Pack, Unpack
from ..layout import Blocked, Layout, Plain
from ..plan import Buffer, Value
from .gradients import Gradient, GradientTape
from .plan_builder import NotLowered, PlanBuilder


class LayoutConverter:
    """Converts each value at most once to each layout. Gradients are converted back."""

    def __init__(self, builder: PlanBuilder, tape: GradientTape) -> None:
        self._builder, self._tape = builder, tape
        self._converted: dict[str, Value] = {}

    def canonical(self, shape: Shape) -> Blocked:
        """Return the blocked layout of an array of this shape: a vector, a row, or an image.

        Errors:   NotLowered for other ranks
        """
        if len(shape) > 3 or not shape:
            raise NotLowered(Message("{count} axes", count=len(shape)))
        channels, height, width = (*shape[:1], *(1 for _ in range(3 - len(shape))), *shape[1:])
        return Blocked(channels, height, width, self._builder.lanes)

    def blocked(self, value: Value) -> Value:
        """Return the value in the canonical layout of its shape."""
        wanted = self.canonical(value.shape)
        return value if value.layout == wanted else self.converted(value, wanted)

    def elementwise(self, value: Value) -> Value:
        """Return the value in any blocked layout, as it may be a view of another shape."""
        return value if isinstance(value.layout, Blocked) else self.blocked(value)

    def plain(self, value: Value) -> Value:
        """Return the value in NumPy's layout."""
        wanted = Plain(value.shape)
        return value if value.layout == wanted else self.converted(value, wanted)

    def converted(self, value: Value, layout: Layout) -> Value:
        """Return the value in another layout."""
        key = f"{value.key} as {layout}"
        if key in self._converted:
            return self._converted[key]
        if isinstance(value.layout, Blocked) and isinstance(layout, Blocked):
            plain = replace(self.converted(value, Plain(value.shape)), shape=value.shape)
            return self.converted(plain, layout)
        buffer = self._builder.buffer(key, per_image=layout.floats)
        result = self._converted[key] = replace(value, key=key, buffer=buffer, layout=layout)
        self._convert(value.buffer, value.layout, buffer, layout, value.key, Message("layout"))

        @self._tape.backward(result)
        def write(gradient: Gradient) -> None:
            with self._tape.input_gradient(value) as dx:
                self._convert(
                    gradient.buffer, layout, dx, value.layout, value.key, Message("layout of the gradient")
                )

        return result

    def _convert(self, x: Buffer, one: Layout, y: Buffer, other: Layout, layer: str, purpose: str) -> None:
        if isinstance(other, Blocked):
            pack = Pack(other.channels, other.height, other.width, other.lanes)
            self._builder.call(pack, layer, purpose, Message("blocks of channels"), x=x, y=y)
        else:
            assert isinstance(one, Blocked)
            unpack = Unpack(one.channels, one.height, one.width, one.lanes)
            self._builder.call(unpack, layer, purpose, Message("plain array"), x=x, y=y)

    def mark(self) -> int:
        """Return the current state for `restore`."""
        return len(self._converted)

    def restore(self, mark: int) -> None:
        """Forget the values converted since `mark`."""
        while len(self._converted) > mark:
            self._converted.popitem()
