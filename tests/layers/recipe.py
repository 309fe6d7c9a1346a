"""What a new layer takes: the files to extend, with a made-up layer as the example."""

from __future__ import annotations

LAYER = "ChannelGain"

REQUIRED: dict[str, str] = {
    "src/convscope/layers/dense.py": '''

__all__ += ["ChannelGain"]


@dataclass(frozen=True)
class ChannelGain(Layer):
    """Multiply each channel by a learned gain and add a learned bias."""

    keyword: ClassVar[str] = "channelgain"

    def param_shapes(self, *inputs: Shape) -> ParamShapes:
        shape = (inputs[0][0], *(1 for _ in inputs[0][1:]))
        return {"weight": shape, "bias": shape}

    def operations(self, *inputs: Shape) -> Operations:
        elements = size_of(inputs[0])
        return Operations(multiplications=elements, additions=elements)
''',
    "src/convscope/engines/reference/layers/dense.py": """

from ....layers.dense import ChannelGain


@forward.register
def _(layer: ChannelGain, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    return inputs[0] * parameters["weight"] + parameters["bias"]


@backward.register
def _(layer: ChannelGain, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    (x,), weight = inputs, parameters["weight"]
    axes = (0, *range(2, x.ndim))
    return Gradients(
        (grad_output * weight,),
        {
            "weight": (grad_output * x).sum(axis=axes).reshape(weight.shape),
            "bias": grad_output.sum(axis=axes).reshape(weight.shape),
        },
    )
""",
    "src/convscope/derivations/dense.py": """

from ..layers.dense import ChannelGain

GAINS = Text("one gain and one bias per channel", "每个通道一个增益和一个偏置")


@derivations.register
def _channel_gain(layer: ChannelGain, inputs: Shapes) -> list[Derivation]:
    (shape,) = inputs
    sheet = Worksheet()
    sheet.know("c", shape[0], texts.CHANNELS)
    sheet.step("params", "2·c", GAINS)
    counts = per_element(shape, [("multiplications", 1, None), ("additions", 1, None)])
    return [same_shape(shape), sheet.finish("params", texts.PARAMETERS), *counts]
""",
    "src/convscope/engines/torch/modules/learned.py": '''

class Gain(nn.Module):
    """Learned gains and biases of the channels."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(shape))
        self.bias = nn.Parameter(torch.zeros(shape))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight + self.bias


@module_of.register
def _(layer: L.ChannelGain, shapes: Shapes) -> nn.Module:
    return Gain(layer.param_shapes(*shapes)["weight"])
''',
    "src/convscope/interop/onnx/writers/dense.py": """

from ....layers.dense import ChannelGain


@write.register
def _(layer: ChannelGain, task: LayerWriter) -> None:
    product = task.add("Mul", [task.x, task.parameter("weight")], "product")
    task.add("Add", [product, task.parameter("bias")])
""",
    "tests/layers/examples.py": """

EXAMPLES.append((L.ChannelGain(), (IMAGE,)))
READ_AS_OTHERS.add("ChannelGain")
""",
}
"""The files that a new layer must extend, and what a made-up layer adds to each."""

OPTIONAL = {
    "src/convscope/engines/native/": "A kernel and its lowering. Without them the layer runs as a fallback step.",
    "src/convscope/interop/onnx/operators/": "Import from ONNX; PyTorch and Keras have folders of the same name.",
    "src/convscope/analysis/counted_by/": "What another tool counts. Without a rule the count is unknown.",
    "src/convscope/optim/initialization.py": "An initialization other than the default for weights and biases.",
    "src/convscope/notation/keywords.py": "Other spellings of the keyword.",
    "src/convscope/plots/": "A symbol of its own in drawings of networks.",
}
"""Where a layer may add more, and what happens otherwise."""
