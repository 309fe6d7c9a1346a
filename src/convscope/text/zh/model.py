"""Messages of models in Chinese."""

MESSAGES = {
    "{setting} must be a Network, a name or a path (got {got}). For a module with its weights, use "
    "from_torch or from_keras with parameters=True. [model-network]": (
        "{setting} 必须是 Network、名称或路径（实际为 {got}）。带权重的模块请使用 from_torch 或 from_keras，并设"
        "置 parameters=True。[model-network]"
    ),
    "{setting} must be {known} (got {got!r}). [dtype]": "{setting} 必须是 {known}（实际为 {got!r}）。[dtype]",
    "{setting} must be one of {known} (got {got!r}). strict rounds as plain sums do, fast may use "
    "Winograd's algorithm. [precision]": (
        "{setting} 必须是 {known} 之一（实际为 {got!r}）。strict 的舍入与普通求和相同，fast 可能使用 Winograd 算"
        "法。[precision]"
    ),
    "Model supports networks with one input ({network} has {count}). Run it with "
    "convscope.engines.reference.layers.run. [several-inputs]": (
        "Model 只支持单输入的网络（{network} 有 {count} 个输入）。请用 convscope.engines.reference.layers.run 运"
        "行。[several-inputs]"
    ),
    "{setting} must be SGD, Adam or AdamW (got {got!r}). Use convscope.SGD(lr=0.01, momentum=0.9). [optimizer]": (
        "{setting} 必须是 SGD、Adam 或 AdamW（实际为 {got!r}）。请使用 convscope.SGD(lr=0.01, momentum=0.9)。"
        "[optimizer]"
    ),
    "NaN or infinity in layer {layer!r} ({where}) at step {step}. Lower the learning rate (now {lr:g}), or "
    "clip the gradient norm to 1. [not-finite]": (
        "第 {step} 步时，层 {layer!r} 的{where}中出现 NaN 或无穷大。请降低学习率（当前为 {lr:g}），或将梯度范数"
        "裁剪到 1。[not-finite]"
    ),
    "{network} has no parameters to train (frozen layers: {count}). Use network.with_frozen() for the same "
    "network without frozen layers. [all-frozen]": (
        "{network} 没有可训练的参数（冻结的层：{count}）。network.with_frozen() 返回没有冻结层的同一网络。"
        "[all-frozen]"
    ),
}
