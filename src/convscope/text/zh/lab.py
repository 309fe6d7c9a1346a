"""Messages of the laboratory in Chinese."""

MESSAGES = {
    "{name} must be numbers in rows of equal length (got {got!r}). Pass nested lists or an array. [lab-numbers]": (
        "{name} 必须是每行长度相等的数值（实际为 {got!r}）。请传入嵌套列表或数组。[lab-numbers]"
    ),
    "A kernel must be as deep as the image has channels, x (c, h, w) and weight (o, c, kh, kw) (got x={x}, "
    "weight={weight}). Pass kernels with one slice per channel. [lab-channels]": (
        "卷积核的深度必须等于图像的通道数，x (c, h, w) 与 weight (o, c, kh, kw)（实际为 x={x}，"
        "weight={weight}）。请为每个通道传入一片卷积核。[lab-channels]"
    ),
    "There must be {kernels} biases, one per kernel, and {channels} names, one per channel (got "
    "bias={bias}, {names} names). Leave both out. [lab-channels]": (
        "必须有 {kernels} 个偏置（每个卷积核一个）和 {channels} 个名称（每个通道一个）（实际为 bias={bias}，"
        "{names} 个名称）。请省略两者。[lab-channels]"
    ),
    "A kernel must be as deep as the image has channels, x (c, h, w) and weight (o, c, kh, kw) (got x={x}, "
    "weight={weight}). Pass kernels with one slice per channel. [lab-columns]": (
        "卷积核的深度必须等于图像的通道数，x (c, h, w) 与 weight (o, c, kh, kw)（实际为 x={x}，"
        "weight={weight}）。请为每个通道传入一片卷积核。[lab-columns]"
    ),
    "kernels must be matrices of one shape (got {shapes}). Pass each as rows of numbers. [lab-kernels]": (
        "卷积核必须是形状相同的矩阵（实际为 {shapes}）。请按行传入数值。[lab-kernels]"
    ),
    "image must be a matrix of at least {least} gray levels (got image={got}). Pass one channel, as rows "
    "of numbers. [lab-image]": (
        "image 必须是至少 {least} 的灰度矩阵（实际为 image={got}）。请按行传入一个通道的数值。[lab-image]"
    ),
    "The network must have one input and layers of at most {most:,} values (got {count} input(s) and a "
    "layer of {largest:,}). Use a smaller one. [lab-network]": (
        "网络必须只有一个输入，且每层最多 {most:,} 个值（实际为 {count} 个输入，最大的层有 {largest:,} 个值）。"
        "请使用更小的网络。[lab-network]"
    ),
    "window must be a matrix of at least 2×2 numbers (got window={got}). Pass rows of numbers. [lab-window]": (
        "window 必须是至少 2×2 的数值矩阵（实际为 window={got}）。请按行传入数值。[lab-window]"
    ),
    "x must be a matrix of numbers (got x={got}). Pass rows of numbers. [lab-window]": (
        "x 必须是数值矩阵（实际为 x={got}）。请按行传入数值。[lab-window]"
    ),
    "x and w must both be rows or both be matrices, w no larger than x (got x={x}, w={w}). Make w smaller. "
    "[lab-correlation]": (
        "x 和 w 必须同为行向量或同为矩阵，且 w 不大于 x（实际为 x={x}，w={w}）。请减小 w。[lab-correlation]"
    ),
    "grad_y must be {expected}, as y (got grad_y={got}). Leave it out for ones. [lab-correlation]": (
        "grad_y 的形状必须与 y 相同，即 {expected}（实际为 grad_y={got}）。省略时取全 1。[lab-correlation]"
    ),
}
