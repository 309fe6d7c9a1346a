"""Messages of `layout`."""

MESSAGES = {
    "{name} is too large to draw: {count:,} boxes after merging repeated blocks, at most {most:,} fit. "
    "Use its table instead. [figure-size]": "{name} 太大，无法绘图：合并重复模块后仍有 {count:,} 个方框，最多只能放下 {most:,} 个。"
    "请改用表格。[figure-size]",
}
