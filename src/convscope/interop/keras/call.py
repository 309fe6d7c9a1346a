"""One call of a layer or function of Keras, as its converter sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from inspect import signature
from typing import TYPE_CHECKING, Any

from ...errors import BadNetwork
from ...layers.base import Layer
from ...layers.connection import Shape
from ...layers.structural import Parameter
from .arrange import arranged, held_as, in_sequence, reshaped_order, reshaping
from .rearranged_weights import Laid, Own
from .symbolic import Flow, Order, Unmapped, channels_in_front, plain
from .weights import Array, Weights, numbers_of

if TYPE_CHECKING:
    from .converter import Walk

Change = Callable[[Array], Array]


def _same(array: Array) -> Array:
    return array


class Call:
    """A layer or function, what it is called with, and where its layers here go.

    In `args` and `kwargs` flows stand for Keras' symbolic tensors.
    """

    def __init__(
        self, operation: Any, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], walk: Walk
    ) -> None:
        self.op = operation
        self.name = name
        self.kwargs = {key: value for key, value in kwargs.items() if value is not None}
        first = next(iter(signature(operation.call).parameters), "")
        self.args = args or ((self.kwargs.pop(first),) if first in self.kwargs else ())
        self.walk = walk

    @property
    def data_format(self) -> str:
        """Return where the operation has its channels."""
        return str(getattr(self.op, "data_format", None) or self.walk.data_format)

    # What it is called with

    def flow(self, index: int = 0) -> Flow:
        """Return an argument that depends on the image, or on weights alone.

        Errors:   Unmapped where it depends on neither
        """
        tensor = self.tensor(self.args[index] if index < len(self.args) else None)
        if tensor is None:
            raise Unmapped("no tensor made from the image")
        return tensor

    def tensor(self, value: Any) -> Flow | None:
        """Return a tensor made from the image, or one made from weights; None for anything else."""
        if isinstance(value, Flow):
            return value
        return self.own_flow(value) if is_learned(value) else None

    def flows(self) -> list[Flow]:
        """Return the tensors of a layer that takes a list of them, arrays of the network's own among them.

        Errors:   Unmapped where none of them depends on the image
        """
        given = self.args[0] if len(self.args) == 1 and isinstance(self.args[0], list | tuple) else self.args
        return self.together(given)

    def together(self, values: Sequence[Any]) -> list[Flow]:
        """Return values that meet each other; arrays of the network's own get the axes of an image.

        Errors:   Unmapped where none is a tensor made from the image or from weights
        """
        if not all(isinstance(one, Flow) or hasattr(one, "shape") for one in values):
            raise Unmapped("something else than tensors")
        images = [one for one in values if isinstance(one, Flow) and one.batched]
        if not images and not any(isinstance(one, Flow) or is_learned(one) for one in values):
            raise Unmapped("no tensor made from the image")
        rank = max(len(one.shape) for one in images or values) or 1
        ready: list[Flow] = []
        for one in [] if images else values:
            if not isinstance(one, Flow) and tuple(one.shape[:1]) == (self.walk.batch,) and len(one.shape) == rank:
                images = [self._for_each_image(one)]
                rank -= 1
                break
        for one in values:
            if isinstance(one, Flow):
                ready.append(one if one.batched else self.lifted(one, rank, bool(images)))
            elif images:
                ready.append(self.array(one, images[0], "value"))
            else:
                ready.append(self.lifted(self.own_flow(one), rank, False))
        return ready

    def own_flow(self, value: Any) -> Flow:
        """Return an array of the network's own with all its axes, none of which is the batch."""
        shape = tuple(int(size) for size in value.shape) or (1,)
        like = Flow(next(iter(self.walk.builder.entries)), shape, plain(len(shape)), batched=False)
        return self.array(value, like, "value")

    def _for_each_image(self, rows: Any) -> Flow:
        """Return an array that was made for a whole batch as it is for each image."""
        shape = tuple(int(size) for size in rows.shape[1:]) or (1,)
        return self.array(rows, Flow(next(iter(self.walk.builder.entries)), shape, plain(len(shape))), "value")

    def lifted(self, flow: Flow, rank: int, batched: bool) -> Flow:
        """Return an array without a batch with `rank` axes: as it meets images, or another such array.

        Errors:   Unmapped where it has one row for each image
        """
        shape = flow.shape
        if batched and len(shape) == rank + 1:
            if shape[0] != 1:
                raise Unmapped("images are mixed")
            shape = shape[1:]
        if len(shape) > rank:
            raise Unmapped("an array with more axes than an image has")
        shape = (1,) * (rank - len(shape)) + shape
        ready = flow if shape == flow.shape else self.reshaped(flow, shape, "value.reshape")
        return replace(ready, batched=batched)

    def argument(self, index: int, name: str, default: Any = None) -> Any:
        """Return an argument given by place or by name."""
        return self.args[index] if index < len(self.args) else self.kwargs.get(name, default)

    def only(self, *names: str) -> None:
        """Refuse further arguments: masks, states, …

        Errors:   Unmapped
        """
        more = [name for name, value in self.kwargs.items() if name not in (*names, "training") and value]
        if more:
            raise Unmapped(f"called with {more[0]}")

    # What it is made into

    def emit(
        self,
        layer: Layer,
        *flows: Flow,
        part: str = "",
        order: Order | None = None,
        parameters: Mapping[str, Weights] | None = None,
        buffers: Mapping[str, Weights] | None = None,
        frozen: Sequence[str] = (),
    ) -> Flow:
        """Add a layer; its output has the first input's order unless another is given.

        The layer that does the work has Keras' name; those before and after it name their part: `conv1.relu`.
        """
        name = f"{self.name}.{part}" if part else self.name
        builder = self.walk.builder
        inputs = [flow.layer for flow in flows]
        added = builder.add(name, layer, inputs, parameters, buffers, self.name, frozen)
        held = builder.shapes[added]
        batched = any(flow.batched for flow in flows)
        return Flow(added, held, flows[0].order if order is None else order, batched)

    def result(self, operation: Any, name: str, flow: Flow) -> Flow:
        """Add the layers of another operation, called with one tensor."""
        return self.walk.finished(self.walk.called(operation, name, [flow], {}))[0]

    def arranged(self, flow: Flow, order: Order) -> Flow:
        """Return a flow with its axes in this order."""
        return arranged(self.walk.builder, flow, order, self.name, self.name)

    def plain(self, flow: Flow) -> Flow:
        """Return a flow with its axes as Keras has them."""
        return self.arranged(flow, plain(len(flow.order)))

    def image(self, index: int = 0) -> Flow:
        """Return an argument with its channels in front."""
        flow = self.flow(index)
        return self.arranged(flow, channels_in_front(len(flow.order), self.data_format))

    def reshaped(self, flow: Flow, shape: Shape, part: str = "") -> Flow:
        """Put the elements, in Keras' order, into another shape of Keras."""
        order = reshaped_order(shape, self.data_format)
        ready = flow if in_sequence(flow) else self.plain(flow)
        return self.emit(reshaping(held_as(shape, order)), ready, part=part, order=order)

    def array(self, value: Any, like: Flow, part: str, shape: Shape | None = None, change: Change = _same) -> Flow:
        """Add a layer for a variable, or for numbers that are the same for every image, once for each.

        Its axes are those of `like`, in its order, and of size 1 where `shape` (the value's own unless given) has
        none. What is learned is a parameter; `change` makes its numbers of the value's.
        """
        size = tuple(int(size) for size in value.shape) if shape is None else shape
        rows = like.batched and len(size) == len(like.order) + 1 and size[0] == self.walk.batch
        full = _full(size[1:] if rows else size, len(like.order), like.batched)
        variable, axes = (value.variable, value.axes) if isinstance(value, Own) else (value, None)
        laid = self.walk.array_of(variable)
        _check_own(value)
        if laid is not None:
            known = replace(self._turned(variable, laid, axes), batched=like.batched)
            if known.shape != full:
                known = self.reshaped(known, full, f"{part}.reshape")
            return self.arranged(known, like.order)
        learned = is_learned(value)
        held = held_as(full, like.order)

        def read(array: Array) -> Array:
            array = value.read(array) if isinstance(value, Own) else array
            array = _one_row(array) if rows else array
            return change(array).reshape(full).transpose(like.order)

        plain_form = tuple(range(len(held)))
        same = axes is None and like.order == plain_form and held == tuple(variable.shape) and change is _same
        form = plain_form if same else (held, like.order, axes)
        own = {"weight" if learned else "value": Weights((variable,), read, form)}
        layer = Parameter(held, learned)
        made = self.emit(
            layer, like, part=part, parameters=own if learned else None, buffers=None if learned else own
        )
        self.walk.keep_array(variable, Laid(made, axes))
        return made

    def _turned(self, variable: Any, known: Laid, axes: Order | None) -> Flow:
        """Return an array that is laid out already, with its axes in another order."""
        if known.axes == axes:
            return known.flow
        shape = tuple(int(size) for size in variable.shape)
        there = known.axes or plain(len(shape))
        flow = replace(known.flow, batched=False)
        laid = tuple(shape[axis] for axis in there)
        flow = flow if flow.shape == laid else self.reshaped(flow, laid, "value.reshape")
        wanted = axes or plain(len(shape))
        return replace(flow, order=tuple(wanted.index(there[axis]) for axis in flow.order))

    def number(self, value: Any) -> float | None:
        """Return a number that is the same for all images and not learned; None for anything else."""
        if isinstance(value, bool | int | float):
            return float(value)
        if isinstance(value, Flow) or getattr(value, "trainable", False) or not hasattr(value, "shape"):
            return None
        _check_own(value)
        try:
            return float(numbers_of(value).reshape(-1)[0]) if all(size == 1 for size in value.shape) else None
        except BadNetwork:  # an array without memory, whose number is not needed for the structure
            return None


def is_learned(value: Any) -> bool:
    """Tell whether a value is a weight that is trained."""
    return hasattr(value, "shape") and bool(getattr(value, "trainable", False))


def _full(shape: Shape, rank: int, batched: bool) -> Shape:
    """Return an array's shape against one image, or against an array without a batch.

    Errors:   Unmapped where it has more axes
    """
    if batched and len(shape) == rank + 1 and shape[0] == 1:
        shape = shape[1:]
    if len(shape) > rank:
        raise Unmapped("an array with more axes than an image has")
    return (1,) * (rank - len(shape)) + shape


def _one_row(array: Array) -> Array:
    """Return what an array made for a whole batch holds for each image.

    Errors:   BadNetwork [keras-rows] where images have different numbers
    """
    if (array != array[:1]).any():
        raise BadNetwork(
            "an array made in a layer's call must hold the same numbers for every image; got rows that differ; "
            "leave out parameters=True. [keras-rows]"
        )
    row: Array = array[0]
    return row


def _check_own(value: Any) -> None:
    """Refuse what was computed from learned arrays before it came here: they would not be counted.

    Errors:   Unmapped
    """
    if getattr(value, "requires_grad", False) and not hasattr(value, "trainable"):
        raise Unmapped("computed from learned arrays")
