"""Messages of `settings`."""

MESSAGES = {
    "integers separated by x, as in 3x5": "用 x 分隔的整数，例如 3x5",
    "an integer, or one per axis as in 3x5": "整数，或每个轴一个，例如 3x5",
    "an integer, one per axis as in 1x0, or before/after as in 0/1x2/3": "整数，或每个轴一个（例如 1x0），或 前/后（例如 0/1x2/3）",
    "{setting} must have one integer, or {rank}, one per spatial axis (got {got}). [setting]": "{setting} 必须是一个整数，或 {rank} 个整数（每个空间轴一个）（实际为 {got}）。[setting]",
    "{setting} must be integers (got {got}). [setting]": "{setting} 必须是整数（实际为 {got}）。[setting]",
    "{setting} must be at least {least} (got {got}). [setting]": "{setting} 不能小于 {least}（实际为 {got}）。[setting]",
    "{setting} must be at most {most} (got {got}). [setting]": "{setting} 不能大于 {most}（实际为 {got}）。[setting]",
    "{setting} must be a finite number from {least:g} to {most:g} (got {got}). [setting]": "{setting} 必须是 {least:g} 到 {most:g} 之间的有限数（实际为 {got}）。[setting]",
    "{setting} must be one of {words} (got {got}). [setting]": "{setting} 必须是 {words} 之一（实际为 {got}）。[setting]",
    "{setting} must be text without spaces, quotes, braces, # and | (got {got}). [setting]": "{setting} 必须是不含空格、引号、花括号、# 和 | 的文本（实际为 {got}）。[setting]",
    "{setting} must have 1 to {longest} integers (got {got}). [setting]": "{setting} 必须有 1 到 {longest} 个整数（实际为 {got}）。[setting]",
    "{setting} must have one entry, or {rank}, one per spatial axis (got {got}). [setting]": "{setting} 必须有一项，或 {rank} 项（每个空间轴一项）（实际为 {got}）。[setting]",
    '{setting} must be "same", "valid" or integers (got {got}). [setting]': '{setting} 必须是 "same"、"valid" 或整数（实际为 {got}）。[setting]',
    "{setting} must be an integer (got {got}). [setting]": "{setting} 必须是一个整数（实际为 {got}）。[setting]",
    "{setting} must be a number (got {got}). [setting]": "{setting} 必须是一个数（实际为 {got}）。[setting]",
    "{setting} must have an integer or (before, after) for each axis (got {got}). [setting]": "{setting} 的每个轴必须是一个整数或 (before, after)（实际为 {got}）。[setting]",
}
