"""Chinese messages of the engines."""

MESSAGES = {
    "Arrays of a Model must have at most {limit:,} elements (got {shape} = {size:,} for {array!r}). Inspect "
    "the network without a Model, or use smaller images. [array-size]": (
        "Model 的数组最多只能有 {limit:,} 个元素（{array!r} 为 {shape} = {size:,}）。请不创建 Model，只分析"
        "网络结构，或使用更小的图像。 [array-size]"
    ),
    "The network has no parameter {name!r}. {hint} [array-name]": "网络中没有参数 {name!r}。{hint} [array-name]",
    "The network has no buffer {name!r}. {hint} [array-name]": "网络中没有缓冲区 {name!r}。{hint} [array-name]",
    "{name!r} is part of the network and cannot be deleted. Set it to zeros instead. [array-fixed]": (
        "{name!r} 是网络的一部分，不能删除。可以将其置零。 [array-fixed]"
    ),
    "{name!r} must be an array of real numbers (got dtype={got}). Convert it with .astype({dtype!r}). "
    "[array-type]": ("{name!r} 必须是实数数组（实际为 dtype={got}）。请用 .astype({dtype!r}) 转换。 [array-type]"),
    "{name!r} must be {expected} (got {shape}). Reshape or transpose it. [array-shape]": (
        "{name!r} 的形状必须是 {expected}（实际为 {shape}）。请变形或转置。 [array-shape]"
    ),
    "labels must have the shape {expected} for scores {scores} (got labels={labels}). Give one class per "
    "image, or one per position. [labels-count]": (
        "得分的形状为 {scores} 时，labels 的形状必须是 {expected}（实际为 labels={labels}）。请为每张图像或每"
        "个位置给出一个类别。 [labels-count]"
    ),
    "labels must have the shape {expected} for scores {scores} (got labels={labels}). Give targets in the "
    "shape of the scores. [labels-count]": (
        "得分的形状为 {scores} 时，labels 的形状必须是 {expected}（实际为 labels={labels}）。请给出与得分形状"
        "相同的目标。 [labels-count]"
    ),
    "labels must be integers from 0 to {last} (got {label}). Count classes from 0, or give the network more "
    "outputs. [labels-range]": (
        "labels 必须是 0 到 {last} 之间的整数（实际为 {label}）。请从 0 开始为类别编号，或增加网络的输出个数。"
        " [labels-range]"
    ),
    "target must be {expected}, as the output (got target={target}). Reshape one of them. [target-shape]": (
        "target 的形状必须与输出相同，即 {expected}（实际为 target={target}）。请将其中之一变形。 [target-shape]"
    ),
    "There is no rule to compute the loss {loss}. Use cross_entropy, mse or bce. [no-score]": (
        "没有计算损失函数 {loss} 的规则。请使用 cross_entropy、mse 或 bce。 [no-score]"
    ),
    "There is no {question} rule for the optimizer {optimizer}. Use SGD, Adam or AdamW. [no-{code}]": (
        "优化器 {optimizer} 没有 {question} 规则。请使用 SGD、Adam 或 AdamW。 [no-{code}]"
    ),
    "The program was compiled for inference only. Compile it with an optimizer and a loss. [not-training]": (
        "程序只为推理编译。请指定优化器和损失函数重新编译。 [not-training]"
    ),
    "{setting} must be one of {engines} (got {got!r}). {hint} [engine]": (
        "{setting} 必须是 {engines} 之一（实际为 {got!r}）。{hint} [engine]"
    ),
    # reference
    "Context.algorithm must be one of {algorithms} (got algorithm={algorithm!r}). Use matrix for speed, "
    "loops to read along. [algorithm]": (
        "Context.algorithm 必须是 {algorithms} 之一（实际为 algorithm={algorithm!r}）。matrix 速度快，loops "
        "便于阅读。 [algorithm]"
    ),
    "The reference engine has no {question} rule for {kind}. Replace it by layers that can be computed. "
    "[no-{question}]": ("参考引擎没有 {kind} 的 {question} 规则。请换用可以计算的层。 [no-{question}]"),
    "There is no {question} rule for {kind}. Use one of the activation functions. [no-{question}]": (
        "{kind} 没有 {question} 规则。请使用激活函数。 [no-{question}]"
    ),
    "Embedding.input must be integers from 0 to {last} (got {index}). Look the words up in the vocabulary "
    "first. [embedding-index]": (
        "Embedding.input 必须是 0 到 {last} 之间的整数（实际为 {index}）。请先在词表中查出编号。 [embedding-index]"
    ),
    "IndexSelect.index must be integers from 0 to {last} (got {index}). Set the buffer to the indices to "
    "select. [select-index]": (
        "IndexSelect.index 必须是 0 到 {last} 之间的整数（实际为 {index}）。请将该缓冲区设为要选取的下标。 "
        "[select-index]"
    ),
    "{network} has no layer {name!r}. {hint} [layer-name]": "{network} 中没有层 {name!r}。{hint} [layer-name]",
    "The gradient of {name!r} must be {expected}, as its value (got {shape}). Reshape it. [gradient-shape]": (
        "{name!r} 的梯度必须与其值形状相同，即 {expected}（实际为 {shape}）。请变形。 [gradient-shape]"
    ),
    "x must have an array for each of {inputs} (got {names}). Give a dict of arrays by input name. "
    "[input-names]": (
        "x 必须为 {inputs} 各给出一个数组（实际为 {names}）。请使用以输入名为键的字典。 [input-names]"
    ),
    "Input {name!r} must be n×{expected} (got {shape}). Reshape it, or use network.with_input. [input-shape]": (
        "输入 {name!r} 的形状必须是 n×{expected}（实际为 {shape}）。请变形，或使用 network.with_input。 "
        "[input-shape]"
    ),
    "{what} must contain every array of the network (got none for {names}). Create them in the shapes of the "
    "network. [{what}-missing]": (
        "{what} 必须包含网络的全部数组（缺少 {names}）。请按网络给出的形状创建。 [{what}-missing]"
    ),
    "{what}[{name!r}] must be {expected} (got {shape}). Use arrays of this network. [{what}-shape]": (
        "{what}[{name!r}] 的形状必须是 {expected}（实际为 {shape}）。请使用属于该网络的数组。 [{what}-shape]"
    ),
    "{kind}.input must have more than one value per channel in training (got one, from {shape}). Use a "
    "larger batch, or evaluate instead of training. [batchnorm-one]": (
        "训练时 {kind}.input 的每个通道必须有多于一个值（形状 {shape} 只有一个）。请增大批量，或改为评估而"
        "不是训练。 [batchnorm-one]"
    ),
    "col2im.columns must be {expected} for images {images} (got columns={columns}). Use the settings given "
    "to im2col. [col2im-size]": (
        "图像为 {images} 时，col2im.columns 的形状必须是 {expected}（实际为 columns={columns}）。请使用与 "
        "im2col 相同的设置。 [col2im-size]"
    ),
    "im2col.x must be images with 1 to 3 spatial axes, (n, c, h, w) (got x={shape}). Put batch and channels "
    "in front. [im2col-rank]": (
        "im2col.x 必须是有 1 到 3 个空间轴的图像，即 (n, c, h, w)（实际为 x={shape}）。请把批量轴和通道轴放在"
        "最前面。 [im2col-rank]"
    ),
    "im2col.kernel_size must fit into the padded image {shape} (got kernel_size={kernel_size}, "
    "padding={padding}). Use a smaller one. [im2col-size]": (
        "im2col.kernel_size 不得超出填充后的图像 {shape}（实际为 kernel_size={kernel_size}，padding={padding}）。"
        "请使用更小的卷积核。 [im2col-size]"
    ),
    "gradient of the parameters": "参数的梯度",
    # torch
    "Reading, writing and running PyTorch modules needs PyTorch": "读取、写出和运行 PyTorch 模块需要 PyTorch",
    "PyTorch cannot run layer {layer!r} ({reason}). Use engine='native' or 'reference'. [torch-run]": (
        "PyTorch 无法运行层 {layer!r}（{reason}）。请使用 engine='native' 或 'reference'。 [torch-run]"
    ),
    "PyTorch cannot run the network ({reason}). Use engine='native' or 'reference'. [torch-run]": (
        "PyTorch 无法运行该网络（{reason}）。请使用 engine='native' 或 'reference'。 [torch-run]"
    ),
    "The torch engine has no rule for the optimizer {optimizer}. Use SGD, Adam or AdamW. [no-optimizer]": (
        "torch 引擎没有优化器 {optimizer} 的规则。请使用 SGD、Adam 或 AdamW。 [no-optimizer]"
    ),
    "{kind} has no equivalent PyTorch module. Replace it by layers that PyTorch has. [no-torch]": (
        "{kind} 没有对应的 PyTorch 模块。请换用 PyTorch 提供的层。 [no-torch]"
    ),
    # native
    "CONVSCOPE_CACHE_LIMIT must be a size such as 500M or 2G (got {value!r}). Unset it for {default}M. "
    "[cache-limit]": (
        "CONVSCOPE_CACHE_LIMIT 必须是 500M、2G 这样的大小（实际为 {value!r}）。不设置该变量时为 {default}M。 "
        "[cache-limit]"
    ),
    "CONVSCOPE_THREADS must be an integer from 1 to {limit} (got {value!r}). Unset it to use every core. "
    "[threads]": (
        "CONVSCOPE_THREADS 必须是 1 到 {limit} 之间的整数（实际为 {value!r}）。不设置该变量则使用全部核心。 "
        "[threads]"
    ),
    "The cache of compiled code in {path!r} is not used, as it can be changed by {who}. Make the folder "
    "private (chmod 700), or set CONVSCOPE_CACHE to another one.": (
        "未使用 {path!r} 中的编译缓存，因为它可以被他人修改（{who}）。请将该文件夹设为私有（chmod 700），或"
        "用 CONVSCOPE_CACHE 指定其他文件夹。"
    ),
    "The native engine cannot be used here ({reason}). Using the slower reference engine.": (
        "此处无法使用 native 引擎（{reason}）。改用较慢的参考引擎。"
    ),
    "The native engine has no kernel for the optimizer {optimizer}. Use SGD, Adam or AdamW. [no-update]": (
        "native 引擎没有优化器 {optimizer} 的内核。请使用 SGD、Adam 或 AdamW。 [no-update]"
    ),
    "Compiling for this processor: {done} of {kernels} kernels  {name}": (
        "正在为本机处理器编译：{done}/{kernels} 个内核  {name}"
    ),
    "Compiling {count} kernel(s) for this processor, once …": "正在为本机处理器编译 {count} 个内核（仅此一次）…",
    # purposes of plan steps
    "ReLU backward": "ReLU 反向",
    "shared parameter": "共享参数",
    "layout": "布局转换",
    "layout of the gradient": "梯度的布局转换",
    # reasons of plan steps
    "F({tile},3): {fewer} times fewer multiplications": "F({tile},3)：乘法次数减少到 1/{fewer}",
    "direct: strict precision": "直接卷积：严格精度",
    "direct: not 3×3 with stride 1": "直接卷积：不是步长为 1 的 3×3 卷积",
    "direct: too small for Winograd's transforms to pay": "直接卷积：规模太小，Winograd 变换得不偿失",
    "depthwise": "逐通道卷积",
    "a convolution's input gradient": "即卷积的输入梯度",
    "once": "仅一次",
    "transformed weights, once": "变换权重，仅一次",
    "transposed weights": "转置权重",
    "out of the Winograd domain": "从 Winograd 域变换回来",
    "zero between groups": "组间置零",
    "blocks of channels": "按通道分块",
    "plain array": "普通数组",
    "fused with the preceding ReLU and channel sums": "与前面的 ReLU 及通道求和融合",
    "fused, stable for any scores": "融合计算，对任意得分数值稳定",
    "all parameters, contiguous": "全部参数，连续存放",
    "one factor per channel": "每个通道一个系数",
    "moments": "矩",
    "statistics": "统计量",
    "running statistics, as it is frozen": "滑动统计量（该层已冻结）",
    "running statistics, once": "滑动统计量，仅一次",
    "scale and shift": "缩放与平移",
    "scaled": "缩放",
    "sums": "求和",
    "with the bias": "与偏置一起",
    "the same mask, recomputed": "重新计算同一掩码",
    "{count} parts": "{count} 个部分",
    "{count} layers read it": "有 {count} 个层读取它",
    "{size} floats do not fill whole vectors": "{size} 个浮点数不是向量宽度的整数倍",
    # reasons of fallbacks
    "no kernel for {kind}": "没有 {kind} 的内核",
    "no kernel for {kind} within a network": "没有用于网络中间的 {kind} 的内核",
    "no kernel for {loss} on {axes} axes": "没有 {axes} 轴上 {loss} 的内核",
    "no kernel for {mode} interpolation": "没有 {mode} 插值的内核",
    "{layer} over {axes} axes": "{axes} 个轴上的{layer}",
    "convolution": "卷积",
    "transposed convolution": "转置卷积",
    "pooling": "池化",
    "{count} axes": "{count} 个轴",
    "more than {limit} inputs": "输入多于 {limit} 个",
    "padding in mode {mode}": "{mode} 模式的填充",
    "padding with {value}": "以 {value} 填充",
    "a dense layer over the last of several axes": "对多个轴中最后一个轴的全连接层",
    "a depthwise transposed convolution": "逐通道转置卷积",
    "a negative step": "步长为负",
    "a product of these shapes": "这些形状的乘积",
    "a product of {count} inputs": "{count} 个输入的乘积",
    "a scale factor that is not an integer": "缩放倍数不是整数",
    "a slice of rows or columns": "对行或列的切片",
    "a sum of different shapes": "不同形状之和",
    "concatenation along rows or columns": "沿行或列的拼接",
    "dropout of a plain input": "对普通数组的 dropout",
    "it shares a parameter that another layer needs in another layout": "它共享的参数在另一层需要另一种布局",
    "layer normalization over axes other than the channels": "在通道以外的轴上的层归一化",
    "only some axes are flattened": "只展平部分轴",
    "the gradient of the target": "目标的梯度",
}
