"""Layers that compute nothing: another shape, or another name."""

from __future__ import annotations

from ....layers import Dropout, Flatten, Identity
from ....network import Node
from ..kernels.update.dropout import Dropout as DropoutKernel
from ..kernels.update.dropout import DropoutGradient
from ..layout import Blocked, Plain
from ..plan import RuntimeArg
from .lowering import Gradient, Lowering, NotLowered
from .rules import lower


@lower.register
def _(layer: Identity, node: Node, lowering: Lowering) -> None:
    lowering.view(node, lowering.input_of(node))


@lower.register
def _(layer: Flatten, node: Node, lowering: Lowering) -> None:
    """A flattened image stays where it is: dense layers follow its order in memory."""
    source = lowering.input_of(node)
    if len(node.output_shape) != 1:
        raise NotLowered("it flattens some axes only")
    if isinstance(source.layout, Plain):
        lowering.set(node, lowering.reshaped(source, node.output_shape))
    else:
        lowering.view(node, source)


@lower.register
def _(layer: Dropout, node: Node, lowering: Lowering) -> None:
    source = lowering.input_of(node)
    if not lowering.mode.training or layer.p == 0:
        lowering.view(node, source)
        return
    if not isinstance(source.layout, Blocked):
        raise NotLowered("it reads images as they come")
    result = lowering.new(node, source.layout, (source,))
    lowering.random.append(node.name)
    keys = {name: RuntimeArg(name, node.name) for name in ("key_low", "key_high")}
    lowering.call(
        DropoutKernel(layer.p),
        node.name,
        "forward",
        x=source.buffer,
        y=result.buffer,
        floats=source.floats,
        **keys,
    )

    def back() -> None:
        gradient = lowering.gradient(result)
        if gradient is None or not source.differentiable:
            return
        into = lowering.buffer(f"gradient of {source.key}", per_image=source.layout.floats)
        kernel = DropoutGradient(layer.p)
        reason = "the same mask, drawn again"
        lowering.call(
            kernel, node.name, "backward", reason, dy=gradient.buffer, dx=into, floats=source.floats, **keys
        )
        lowering.contribute(source, Gradient(into))

    lowering.on_backward(back)
