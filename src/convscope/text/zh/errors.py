"""Chinese texts of messages that all errors share."""

MESSAGES = {
    "{needs}, which is not installed. Run `pip install {packages}`. [{code}]": (
        "{needs}，但它尚未安装。请运行 `pip install {packages}`。[{code}]"
    ),
    "{needs} ({got}). Run `pip install {packages}`. [{code}]": (
        "{needs}（{got}）。请运行 `pip install {packages}`。[{code}]"
    ),
    "Did you mean {names}?": "是不是想输入 {names}？",
    "Known: {names}.": "可用的有：{names}。",
    "not a regular file": "不是普通文件",
}
