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
    "no such file or directory": "没有这个文件或文件夹",
    "permission denied": "权限不足",
    "is a directory": "这是一个文件夹",
    "not a directory": "不是文件夹",
    "no space left on device": "磁盘空间不足",
    "not a regular file": "不是普通文件",
}
