"""Convolution and transposed convolution, with the matrices of im2col."""

from __future__ import annotations

from math import prod

from ..layers.convolution import Conv, ConvTranspose
from . import texts
from .axes import AxisGroup, groups, kernel_letters, output_letters
from .derivation import Derivation, Text
from .family import Shapes, counted, derivations, on_shape, product, symbols
from .windows import forward_sizes, transposed_sizes
from .worksheet import Worksheet

KERNELS = Text("number of kernels: output channels", "卷积核个数，即输出通道数")
GROUPS = Text("groups", "分组数")
KERNEL_SIZE = Text("kernel size", "卷积核大小")
OUTPUT_SIZE = Text("output size", "输出尺寸")
BIAS = Text("one bias per kernel", "每个卷积核一个偏置")

SPREADING_WEIGHTS = Text(
    "weights: every input channel has a kernel for each output channel of its group",
    "权重：每个输入通道对本组的每个输出通道各有一个卷积核",
)
WEIGHTS = Text(
    "weights: one kernel, {depth} deep, times the kernels",
    "权重：单个卷积核（深度 {depth}）的权重数乘以卷积核个数",
)
BIASES = Text("biases", "偏置")
TOTAL = Text("together", "合计")
DEPTH = Text("products in one output's sum", "一个输出元素所需的乘积个数")
PER_CHANNEL = Text(
    "convolutions of one channel with one kernel, at one position",
    "单通道卷积次数：一个位置、一个通道、一个卷积核切片各算一次",
)
PER_OUTPUT = Text("additions per output: to sum the products{bias}", "每个输出的加法次数：累加各乘积{bias}")
WITH_BIAS = Text(", and one for the bias", "，再加偏置一次")
NO_BIAS = Text("", "")
BY_INPUT = Text(
    "products: every input element times every weight of its channel",
    "乘积个数：每个输入元素与所在通道的全部权重各乘一次",
)
MERGED = Text(
    "additions into the outputs: one fewer than products for each", "累加到输出：比乘积个数少，每个输出少一次"
)

SHARED = Text(
    "A kernel is as deep as the input channels that it sees: {depth}. The output has one channel per kernel: "
    "{kernels}. Each kernel uses the same weights at all {places} positions: the weights are shared, so their "
    "number does not depend on the image's size.",
    "卷积核的深度等于它所看到的输入通道数：{depth}；输出的深度等于卷积核的个数：{kernels}。"
    "每个卷积核在全部 {places} 个位置上使用同一组权重，即权重共享，因此参数量与图像尺寸无关。",
)
GROUPED = Text(
    "The {channels} input channels are divided into {groups} groups, "
    "{depth} in each; a kernel sees one group only.",
    "{channels} 个输入通道分成 {groups} 组，每组 {depth} 个；每个卷积核只看到其中一组。",
)
DEPTHWISE = Text(
    "Depthwise: each kernel sees a single input channel.",
    "逐通道（depthwise）卷积：每个卷积核只看到一个输入通道。",
)
PADDED_ZEROS = Text(
    "Zeros that padding adds are multiplied like any other value.", "填充的零与其他数一样参与乘法。"
)
ADJOINT = Text(
    "A transposed convolution spreads each input element over a window of the output with the weights of the "
    "kernel; the same weights are shared by all {places} input "
    "positions. The number of output channels is a setting: {kernels}.",
    "转置卷积把每个输入元素按卷积核的权重散布到输出的一个窗口上；全部 {places} 个输入位置共享同一组权重。"
    "输出的深度由设置给出：{kernels}。",
)

IM2COL = Text("Convolution as one matrix product (im2col)", "以一次矩阵乘法实现卷积（im2col）")
COLUMN = Text("one window stretched into a column", "一个窗口拉成一列")
PLACES = Text("windows: one column each", "窗口个数，每个窗口一列")
X_COL = Text("the matrix of all windows", "全部窗口组成的矩阵")
W_COL = Text("the kernels, one row each", "卷积核组成的矩阵，每个卷积核一行")
Y_COL = Text("their product $W_{{col}}·X_{{col}}$", "乘积 $W_{{col}}·X_{{col}}$")
RESHAPED = Text("each row reshaped to a map: the output", "每一行还原为一张特征图，即输出")
PER_GROUP = Text(
    "These are the matrices of one group; there are {groups}.", "以上为一组的矩阵，共有 {groups} 组。"
)
NO_COPIES = Text(
    "$X_{{col}}$ holds {elements} elements for an input of {input}: it costs no more memory than the input.",
    "$X_{{col}}$ 共有 {elements} 个数，其输入有 {input} 个：并不比输入更占内存。",
)
COPIES = Text(
    "$X_{{col}}$ holds {elements} elements, {times} times "
    "the {input} of its input: windows overlap, and every "
    "overlap is copied. This is the memory cost of its speed.",
    "$X_{{col}}$ 共有 {elements} 个数，是其输入 {input} 个数的 {times} "
    "倍：窗口相互重叠，重叠部分被重复存放。这就是以内存换速度。",
)


def _grouped(layer: Conv | ConvTranspose) -> tuple[AxisGroup, ...]:
    return groups(list(zip(layer.kernel_size, strict=True)))


def _know_kernels(sheet: Worksheet, layer: Conv | ConvTranspose, channels: int) -> tuple[str, str]:
    """State channels, kernels and kernel sizes; return the formula of a kernel's taps and of its depth."""
    sheet.know("c", channels, texts.CHANNELS)
    sheet.know("o", layer.out_channels, KERNELS)
    grouped = _grouped(layer)
    for group in grouped:
        sheet.know(group.sign("k"), layer.kernel_size[group.first], KERNEL_SIZE)
    if layer.groups > 1:
        sheet.know("g", layer.groups, GROUPS)
    return product(kernel_letters(len(layer.kernel_size), grouped)), "(c / g)" if layer.groups > 1 else "c"


@derivations.register
def _conv(layer: Conv, inputs: Shapes) -> list[Derivation]:
    (shape,) = inputs
    return [
        _output_shape(layer, inputs),
        _parameters(layer, shape[0]),
        *_operations(layer, inputs),
        _im2col(layer, inputs),
    ]


def _output_shape(layer: Conv, inputs: Shapes) -> Derivation:
    (shape,) = inputs
    windows = layer.windows(shape)
    sheet = Worksheet()
    sheet.know("o", layer.out_channels, KERNELS)
    grouped = groups(list(zip(shape[1:], windows, strict=True)))
    forward_sizes(sheet, shape[1:], windows, grouped, layer.padding == "same")
    sheet.shape(" × ".join(("o", *output_letters(len(windows)))), texts.THE_SHAPE)
    depth = shape[0] // layer.groups
    places = prod(window.positions(n) for n, window in zip(shape[1:], windows, strict=True))
    sheet.note(SHARED, depth=depth, kernels=layer.out_channels, places=places)
    if layer.groups > 1:
        sheet.note(GROUPED, channels=shape[0], groups=layer.groups, depth=depth)
        if depth == 1:
            sheet.note(DEPTHWISE)
    return sheet.finish("output_shape", texts.OUTPUT_SHAPE)


def _parameters(layer: Conv | ConvTranspose, channels: int) -> Derivation:
    sheet = Worksheet()
    taps, depth = _know_kernels(sheet, layer, channels)
    kernels, label = "o", WEIGHTS.fill(depth=channels // layer.groups)
    if isinstance(layer, ConvTranspose):
        depth, kernels, label = "c", "(o / g)" if layer.groups > 1 else "o", SPREADING_WEIGHTS
    sheet.step("weights", f"{taps}·{depth}·{kernels}", label)
    if layer.bias:
        sheet.step("biases", "o", BIAS)
        sheet.step("params", "weights + biases", TOTAL)
    else:
        sheet.step("params", "weights", TOTAL)
    return sheet.finish("params", texts.PARAMETERS)


def _operations(layer: Conv, inputs: Shapes) -> list[Derivation]:
    (shape,) = inputs
    output = layer.output_shape(*inputs)
    names = ("o", *output_letters(len(output) - 1))

    def sheet_with(what: Text) -> tuple[Worksheet, str, str]:
        sheet = on_shape(output, names)
        taps, depth = _know_kernels(sheet, layer, shape[0])
        for name, size in zip(names[1:], output[1:], strict=True):
            sheet.know(name, size, OUTPUT_SIZE)
        sheet.step("N", product(names), what)
        return sheet, taps, depth

    sheet, taps, depth = sheet_with(texts.OUTPUTS)
    sheet.step("D", f"{depth}·{taps}", DEPTH)
    macs = counted(sheet, "macs", "N·D")

    sheet, taps, depth = sheet_with(texts.OUTPUTS)
    sheet.step("C", f"N·{depth}", PER_CHANNEL)
    sheet.note(PADDED_ZEROS)
    products = counted(sheet, "multiplications", f"C·{taps}")

    sheet, taps, depth = sheet_with(texts.OUTPUTS)
    per_output = f"({depth}·{taps} - 1)" + (" + 1" if layer.bias else "")
    sheet.step("A", per_output, PER_OUTPUT.fill(bias=WITH_BIAS if layer.bias else NO_BIAS))
    return [macs, products, counted(sheet, "additions", "N·A")]


def _im2col(layer: Conv, inputs: Shapes) -> Derivation:
    (shape,) = inputs
    output = layer.output_shape(*inputs)
    names = output_letters(len(output) - 1)
    sheet = on_shape(output, ("o", *names))
    taps, depth = _know_kernels(sheet, layer, shape[0])
    rows, kernels = "D", "(o / g)" if layer.groups > 1 else "o"
    sheet.step("D", f"{depth}·{taps}", COLUMN)
    sheet.step("M", product(names), PLACES)
    sheet.step("X_{col}", f"{rows} × M", X_COL)
    sheet.step("W_{col}", f"{kernels} × {rows}", W_COL)
    sheet.step("Y_{col}", f"{kernels} × M", Y_COL.fill())
    sheet.shape(" × ".join(("o", *names)), RESHAPED)
    if layer.groups > 1:
        sheet.note(PER_GROUP, groups=layer.groups)
    elements = shape[0] // layer.groups * layer.taps * prod(output[1:])
    one_input = prod(shape) // layer.groups
    remark = COPIES if elements > one_input else NO_COPIES
    sheet.note(remark, elements=f"{elements:,}", input=f"{one_input:,}", times=f"{elements / one_input:.3g}")
    return sheet.finish("im2col", IM2COL)


@derivations.register
def _conv_transpose(layer: ConvTranspose, inputs: Shapes) -> list[Derivation]:
    (shape,) = inputs
    windows = layer.windows(shape)
    sheet = Worksheet()
    sheet.know("o", layer.out_channels, KERNELS)
    grouped = groups(list(zip(shape[1:], windows, layer.output_padding, strict=True)))
    transposed_sizes(sheet, shape[1:], windows, grouped, layer.output_padding, layer.padding == "same")
    sheet.shape(" × ".join(("o", *output_letters(len(windows)))), texts.THE_SHAPE)
    sheet.note(ADJOINT, places=prod(shape[1:]), kernels=layer.out_channels)
    size = sheet.finish("output_shape", texts.OUTPUT_SHAPE)
    return [size, _parameters(layer, shape[0]), *_transposed_operations(layer, inputs)]


def _transposed_operations(layer: ConvTranspose, inputs: Shapes) -> list[Derivation]:
    (shape,) = inputs
    output = layer.output_shape(*inputs)

    def sheet_with() -> tuple[Worksheet, str]:
        sheet = on_shape(shape)
        taps, _ = _know_kernels(sheet, layer, shape[0])
        sheet.step("I", product(symbols(shape)), Text("elements of the input", "输入元素个数"))
        return sheet, f"I·{'(o / g)' if layer.groups > 1 else 'o'}·{taps}"

    sheet, products = sheet_with()
    macs = counted(sheet, "macs", products, BY_INPUT)
    sheet, products = sheet_with()
    multiplications = counted(sheet, "multiplications", products, BY_INPUT)
    sheet, products = sheet_with()
    sheet.step("M", products, BY_INPUT)
    names = output_letters(len(output) - 1)
    for name, size in zip(names, output[1:], strict=True):
        sheet.know(name, size, OUTPUT_SIZE)
    sheet.step("N", product(("o", *names)), texts.OUTPUTS)
    bias = " + N" if layer.bias else ""
    label = MERGED if not layer.bias else Text(MERGED.en + WITH_BIAS.en, MERGED.zh + WITH_BIAS.zh)
    return [macs, multiplications, counted(sheet, "additions", f"max(M - N, 0){bias}", label)]
