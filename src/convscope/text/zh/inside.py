"""Messages about traces, units and attributions in Chinese."""

MESSAGES = {
    "{layer} has {shape} units (got at={at}). Pass {rank} indices from 0, each below its size. [unit-range]": (
        "{layer} 共有 {shape} 个单元（实际为 at={at}）。请给出 {rank} 个从 0 开始、小于各轴大小的索引。[unit-range]"
    ),
    "target must be a class, one class per image, (layer, (channel, row, column)) or a LossTarget "
    "(got {got!r}). Use target=0 for the first class. [target]": (
        "target 必须是类别、每张图像一个类别、(层, (通道, 行, 列)) 或 LossTarget（实际为 {got!r}）。"
        "第一个类别请用 target=0。[target]"
    ),
    "target must have one class, or one for each of the {images} images (got {count}). [target]": (
        "target 必须是一个类别，或为 {images} 张图像各给一个类别（实际为 {count} 个）。[target]"
    ),
    "{network} has {count} classes (got target {got}). Use 0 to {last}. [target-class]": (
        "{network} 有 {count} 个类别（实际为 target {got}）。请使用 0 到 {last}。[target-class]"
    ),
    "the image must be {expected} (got {got}). Resize it, or use network.with_input. [one-image]": (
        "图像必须为 {expected}（实际为 {got}）。请缩放图像，或使用 network.with_input。[one-image]"
    ),
    "{method!r} is not an attribution method. {hint} [method]": "{method!r} 不是归因方法。{hint} [method]",
    "{method} has no setting {key!r}. {hint} [method-setting]": (
        "{method} 没有名为 {key!r} 的设置。{hint} [method-setting]"
    ),
    "placement must be exact or resize (got {placement!r}). exact draws a map at the centers of the "
    "receptive fields. [placement]": (
        "placement 必须是 exact 或 resize（实际为 {placement!r}）。exact 把图画在感受野的中心。[placement]"
    ),
    "{layer} has no map of positions (its output is {shape}). Choose a convolution or pooling layer. "
    "[no-positions]": "{layer} 没有空间位置（输出为 {shape}）。请选择卷积层或池化层。[no-positions]",
    "{layer} has no positions (its output is {shape}). Choose a convolution or pooling layer. [no-positions]": (
        "{layer} 没有空间位置（输出为 {shape}）。请选择卷积层或池化层。[no-positions]"
    ),
    "{network} has no layer with a map of positions. Choose a network of convolutions. [no-positions]": (
        "{network} 没有带空间位置的层。请选择卷积网络。[no-positions]"
    ),
    "{layer} has {count} channels (got channel {got}). Use 0 to {last}. [channel-range]": (
        "{layer} 有 {count} 个通道（实际为通道 {got}）。请使用 0 到 {last}。[channel-range]"
    ),
    "{done:,} of {total:,} images": "{done:,} / {total:,} 张图像",
    "{count} of {channels} channels of {layer} ({percent:.0f} %) output the same value at every position "
    "of {images:,} images: {names}.": (
        "{layer} 的 {channels} 个通道中有 {count} 个（{percent:.0f} %）在 {images"
        ":,} 张图像的所有位置上都输出同一个值：{names}。"
    ),
    "Remove them, or train with a lower learning rate or batch normalization before {layer}.": (
        "请移除它们，或降低学习率、在 {layer} 之前加入批归一化后重新训练。"
    ),
    "{count} of {channels} channels of {layer} are saturated in at least {percent:.0f} % of their "
    "outputs over {images:,} images: {names}.": (
        "{layer} 的 {channels} 个通道中有 {count} 个在 {images:,} 张图像上至少 {perce"
        "nt:.0f} % 的输出已饱和：{names}。"
    ),
    "Use ReLU, smaller weights, or batch normalization before {layer}.": (
        "请改用 ReLU、减小权重，或在 {layer} 之前加入批归一化。"
    ),
    "{count} of {channels} channels of {layer} repeat another one up to a factor and an offset over "
    "{images:,} images: {pairs}.": (
        "{layer} 的 {channels} 个通道中有 {count} 个在 {images:,} 张图像上与另一通道只差一个系数和偏移：{pairs}。"
    ),
    "Use fewer channels in {layer}, or merge them into the next layer.": (
        "请减少 {layer} 的通道数，或把它们合并到下一层。"
    ),
}
