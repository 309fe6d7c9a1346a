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
    "There is no topic {name!r}. {hint} [lab-topic]": "没有 {name!r} 这个主题。{hint} [lab-topic]",
    "numbers in a row": "一行数值",
    "a matrix of numbers": "数值矩阵",
    "matrices of numbers, one per channel": "每个通道一个的数值矩阵",
    "a single number": "单个数值",
    "{name} must be {kind} (got {got}). Example: {example}. [lab-rank]": (
        "{name} 必须是{kind}（实际为 {got}）。示例：{example}。[lab-rank]"
    ),
    "The gradient must have the shape of the output, {expected} (got {got}). Leave it out for ones. "
    "[lab-gradient]": "梯度的形状必须与输出相同，即 {expected}（实际为 {got}）。省略时取全 1。[lab-gradient]",
    "{option} must be matrices of one shape, one per channel (got {got!r}). Separate rows by / and channels by //, "
    "such as 1,2/3,4//5,6/7,8. [maps]": (
        "{option} 必须是形状相同的矩阵，每个通道一个（实际为 {got!r}）。行用 / 分隔，通道用 // 分隔，例如 "
        "1,2/3,4//5,6/7,8。[maps]"
    ),
    "{option} must be numbers separated by commas (got {got!r}). Example: 2,-1,0.5. [row]": (
        "{option} 必须是用逗号分隔的数值（实际为 {got!r}）。示例：2,-1,0.5。[row]"
    ),
    "{option} must be a number (got {got!r}). Example: 0.5. [number]": (
        "{option} 必须是数值（实际为 {got!r}）。示例：0.5。[number]"
    ),
    "{option} must be channels, rows and columns joined by x (got {got!r}). Example: 3x32x32. [lab-shape]": (
        "{option} 必须是用 x 连接的通道数、行数和列数（实际为 {got!r}）。示例：3x32x32。[lab-shape]"
    ),
    "{option} must be an integer from {low} to {high} (got {got!r}). Use one of them. [integer]": (
        "{option} 必须是 {low} 到 {high} 的整数（实际为 {got!r}）。请使用其中之一。[integer]"
    ),
    "There is no function {got!r} in this lesson. {hint} [lab-function]": (
        "本课没有函数 {got!r}。{hint} [lab-function]"
    ),
    "The class must be a number from 0 to {last} (got {got}). [lab-class]": (
        "类别必须是 0 到 {last} 的编号（实际为 {got}）。[lab-class]"
    ),
    "The network must end in softmax over classes (got {kind}). Append | softmax. [lab-softmax]": (
        "网络必须以对类别的 softmax 结尾（实际为 {kind}）。请在末尾加上 | softmax。[lab-softmax]"
    ),
    "The lesson takes 1 to {most} units, with as many weights and gradients (got {n} units, {weights} weights, "
    "{gradients} gradients). [lab-units]": (
        "本课支持 1 到 {most} 个单元，权重和梯度的个数须与之相同（实际为 {n} 个单元，{weights} 个权重，"
        "{gradients} 个梯度）。[lab-units]"
    ),
    "The rate must be at least 0 and below 1 (got {got}). 0.5 is usual. [lab-rate]": (
        "失活概率必须不小于 0 且小于 1（实际为 {got}）。常用 0.5。[lab-rate]"
    ),
    "An image file and a matrix exclude each other. Use only one of them. [lab-two-images]": (
        "图像文件与矩阵不能同时给出。请只用其中一个。[lab-two-images]"
    ),
    "The receptive field must be at most {most} pixels (got {got}). Use fewer blocks, a smaller pooling or a "
    "smaller kernel. [lab-field]": (
        "感受野最多 {most} 像素（实际为 {got}）。请减少层数，或减小池化窗口或卷积核。[lab-field]"
    ),
    "Each row of the weight must have {count} values, one per value of the input (got {got}). [lab-weight]": (
        "权重的每一行必须有 {count} 个值，与输入的值一一对应（实际为 {got}）。[lab-weight]"
    ),
    "The lesson takes at most {most:,} products, since loops in Python are slow (got {got:,}). Use a smaller "
    "--shape, fewer --kernels, or a smaller --size. [lab-products]": (
        "Python 循环很慢，本课最多计算 {most:,} 次乘法（实际为 {got:,}）。请减小 --shape、--kernels 或 --size。"
        "[lab-products]"
    ),
    "The padding of a pooling must be at most half of its window, {most} (got {got}). Use a larger window. "
    "[lab-pool-padding]": (
        "池化的填充不得超过窗口的一半，即 {most}（实际为 {got}）。请使用更大的窗口。[lab-pool-padding]"
    ),
    "The class must be a number from 0 to {last}, and there may be {most} scores (got class {got} of {count}). "
    "[lab-target]": (
        "类别必须是 0 到 {last} 的编号，得分最多 {most} 个（实际为 {count} 个得分，类别 {got}）。[lab-target]"
    ),
    "The lesson takes 1 to {most} weights, with as many gradients (got {weights} weights, {gradients} gradients). "
    "[lab-weights]": (
        "本课支持 1 到 {most} 个权重，梯度的个数须与之相同（实际为 {weights} 个权重，{gradients} 个梯度）。"
        "[lab-weights]"
    ),
    "The learning rate must be above 0, the decay at least 0, and their product at most 1 (got {lr} and {decay}). "
    "A larger product would change the signs of the weights. [lab-decay]": (
        "学习率必须大于 0，衰减系数不小于 0，两者之积不大于 1（实际为 {lr} 和 {decay}）。乘积更大时，权重会改变符号。"
        "[lab-decay]"
    ),
    "The window must fit into the input with its padding (got a window of {window}, an input of {image}, padding "
    "{padding}). Use a smaller window or more padding. [lab-window-size]": (
        "窗口必须能放入填充后的输入（实际为窗口 {window}，输入 {image}，填充 {padding}）。请减小窗口或增大填充。"
        "[lab-window-size]"
    ),
    "{name} must be numbers of a size up to {most:g} (got {got:g}). Use smaller ones. [lab-magnitude]": (
        "{name} 的绝对值最大为 {most:g}（实际为 {got:g}）。请使用较小的数。[lab-magnitude]"
    ),
}
