"""Messages of optimizers, losses and schedules in Chinese."""

MESSAGES = {
    "{setting} must be a number of bytes (got {got!r}). Use 256MB. [bytes]": (
        "{setting} 必须是字节数（实际为 {got!r}）。请使用 256MB。[bytes]"
    ),
    "{setting} must be {expected} (got {got}). {hint} [setting]": (
        "{setting} 必须是{expected}（实际为 {got}）。{hint}[setting]"
    ),
    "{setting} must be an integer of at least {least} (got {got}). {hint} [setting]": (
        "{setting} 必须是不小于 {least} 的整数（实际为 {got}）。{hint}[setting]"
    ),
    "a number above {least:g}": "大于 {least:g} 的数",
    "a very large {kind}": "极大的 {kind}",
    "a number of at least {least:g}": "不小于 {least:g} 的数",
    "a number of at least {least:g} and below {below:g}": "不小于 {least:g} 且小于 {below:g} 的数",
    "0.1 is usual.": "通常为 0.1。",
    "{setting} must be a loss or its name (got {got!r}). {hint} [loss]": (
        "{setting} 必须是损失函数或其名称（实际为 {got!r}）。{hint}[loss]"
    ),
    "{kind}.axis must be the class axis (0) for cross-entropy (got axis={axis} in {layer!r}). Normalize "
    "over the first axis, or use another loss. [softmax-axis]": (
        "使用交叉熵时，{kind}.axis 必须是类别轴 (0)（{layer!r} 中为 axis={axis}）。请在第一个轴上归一化，或使用"
        "其他损失函数。[softmax-axis]"
    ),
    "Use 0 for none.": "不需要时请使用 0。",
    "betas=(0.9, 0.999) is usual.": "通常为 betas=(0.9, 0.999)。",
    "{setting} must be two numbers of at least 0 and below 1 (got {got!r}). (0.9, 0.999) is usual. [betas]": (
        "{setting} 必须是两个不小于 0 且小于 1 的数（实际为 {got!r}）。通常为 (0.9, 0.999)。[betas]"
    ),
    "SGD.nesterov needs momentum (got momentum=0.0). Set momentum=0.9, or leave nesterov out. [nesterov]": (
        "SGD.nesterov 需要动量（实际为 momentum=0.0）。请设置 momentum=0.9，或省略 nesterov。[nesterov]"
    ),
    "0.9 is usual.": "通常为 0.9。",
    "1e-8 is usual.": "通常为 1e-8。",
    "Count steps, not epochs.": "请以步数计，而非轮次。",
    "{setting} must be a schedule or its name (got {got!r}). {hint} [schedule]": (
        "{setting} 必须是学习率调度或其名称（实际为 {got!r}）。{hint}[schedule]"
    ),
    "Leave it out for the whole run.": "省略时为整个训练过程。",
    "{setting} must be set if the length of the run is unknown (got None). Set it, or train with fit. "
    "[schedule-length]": (
        "训练的总步数未知时必须设置 {setting}（实际为 None）。请设置它，或用 fit 训练。[schedule-length]"
    ),
    "0.3 is usual.": "通常为 0.3。",
    "25 is usual.": "通常为 25。",
    "1e4 is usual.": "通常为 1e4。",
    "0.01 is usual.": "通常为 0.01。",
    "{setting} must be the name of a task, or None (got {got!r}). {hint} [task]": (
        "{setting} 必须是任务的名称或 None（实际为 {got!r}）。{hint}[task]"
    ),
    "{setting} must be True, False or None (got {got!r}). Leave it out to follow the model's task. "
    "[probabilities]": (
        "{setting} 必须是 True、False 或 None（实际为 {got!r}）。省略时由模型的任务决定。[probabilities]"
    ),
}
