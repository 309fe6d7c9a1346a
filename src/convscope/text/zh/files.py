"""Messages of files and JSON in Chinese."""

MESSAGES = {
    "operation not permitted": "不允许的操作",
    "file exists": "文件已存在",
    "read-only file system": "只读文件系统",
    "Cannot write {path!r} ({reason}). Choose an existing folder that you may write to. [save]": (
        "无法写入 {path!r}（{reason}）。请选择一个存在且可写的文件夹。[save]"
    ),
    "Cannot write {path!r} ({reason}). Files saved earlier are intact. Free disk space or choose another "
    "folder, then resume. [write-failed]": (
        "无法写入 {path!r}（{reason}）。先前保存的文件完好。请释放磁盘空间或选择其他文件夹，然后继续训练。"
        "[write-failed]"
    ),
    "it is a folder": "是一个文件夹",
    "an integer from 0": "从 0 开始的整数",
    "an integer from 1": "从 1 开始的整数",
    "an object": "对象",
    "{kind} or null": "{kind}或 null",
    "a list of {length} values, each {kind}": "含 {length} 个值的列表，每个值为{kind}",
    "an object whose values are each {kind}": "各个值均为{kind}的对象",
    "{got}, not an object": "{got}而非对象",
    "a list of values, each {kind}": "列表，每个值为{kind}",
    "a number of many digits": "位数过多的数",
    "no {key}": "缺少 {key}",
    "{key} as {got}, not {expected}": "{key} 为{got}而非{expected}",
    "it is nested too deeply": "嵌套过深",
    "user {user}, who owns it": "其所有者（用户 {user}）",
    "others, as its mode {mode:o} allows": "其他用户（权限为 {mode:o}）",
    "{path!r} must unpack to at most {ratio} times its size, or {limit} MiB (got {unpacked:,} bytes from "
    "{packed:,}). {hint} [unpacked-size]": (
        "{path!r} 解压后不得超过其自身大小的 {ratio} 倍或 {limit} MiB（实际由 {packed:,} 字节解压为 "
        "{unpacked:,} 字节）。{hint}[unpacked-size]"
    ),
}
