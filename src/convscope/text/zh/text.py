"""Chinese texts of lists and tables."""

MESSAGES = {
    ", ": "、",
    "; ": "；",
    ".": "。",
    "{first} and {more} more": "{first} 等，另有 {more} 个",
    "{first}, {last}": "{first}、{last}",
    "{first} and {last}": "{first} 和 {last}",
    "{first} or {last}": "{first} 或 {last}",
    "not shown at this width: {names}.": "此宽度下未显示：{names}。",
}
