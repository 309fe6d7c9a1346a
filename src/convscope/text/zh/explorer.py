"""Chinese messages of the explorer."""

MESSAGES = {
    "Ctrl-C ends the explorer.": "按 Ctrl-C 结束。",
    "--export must end in .html (got {got!r}). Rename the file. [export-ending]": (
        "--export 必须以 .html 结尾（得到 {got!r}）。请修改文件名。[export-ending]"
    ),
    "The file has no values of {count} layer(s), as it would become too large: {names}.": (
        "文件大小有限，未包含 {count} 层的数值：{names}。"
    ),
    "image must be {expected} (got {got}). Resize it, or give the path of a file. [explore-image]": (
        "image 的形状必须为 {expected}（得到 {got}）。请调整大小，或给出文件路径。[explore-image]"
    ),
    "It has several inputs.": "它有多个输入。",
    "Its weights are too large to draw at random.": "它的权重太大，无法随机生成。",
    "The drawing does not have the size that its address says.": "图画的大小与其地址所写的不符。",
    "The drawing has values that are too large, or not finite.": "图画中有过大或非有限的数值。",
    "{name!r} is not a readable image ({reason}). Use another copy. [image-file]": (
        "{name!r} 不是可读的图像（{reason}）。请换一份。[image-file]"
    ),
    "The drawing has {got} values, the input of {name} {expected}. Draw again. [drawing-shape]": (
        "图画大小为 {got}，而 {name} 的输入为 {expected}。请重新绘制。[drawing-shape]"
    ),
    "The explorer needs Starlette and uvicorn": "浏览器页面需要 Starlette 和 uvicorn",
    "The network has no layer {layer!r}.": "网络中没有 {layer!r} 层。",
    "The upload is larger than {limit:,} bytes. Choose a smaller file.": "上传内容超过 {limit:,} 字节。请选择更小的文件。",
    "This image is not open here. Choose it again.": "此图像未打开。请重新选择。",
    "This network is not open here. Reload the page.": "此网络未打开。请重新加载页面。",
    "Too many requests are waiting. Try again.": "等待的请求过多。请重试。",
    "Warning: other machines can reach this address. Whoever has the link can use it.": (
        "警告：其他机器可以访问此地址。任何持有链接的人都可以使用。"
    ),
    "What layer {layer!r} computes is unknown.": "{layer!r} 层的计算内容未知。",
    "--host {host} can be reached from other machines. Leave it out and forward the port with ssh, or add "
    "--allow-remote. [explore-host]": (
        "--host {host} 可被其他机器访问。请去掉它并用 ssh 转发端口，或加上 --allow-remote。[explore-host]"
    ),
    "{host}:{port} cannot be used ({reason}). Choose another --port, or leave it out. [port]": (
        "{host}:{port} 无法使用（{reason}）。请选择另一个 --port，或去掉该选项。[port]"
    ),
    "{name} cannot be run. {reason} [no-values]": "{name} 无法运行。{reason} [no-values]",
    "{name} must be an integer, or integers separated by commas, within ±{most:,} (got {got!r}).": (
        "{name} 必须是 ±{most:,} 以内的整数，或以逗号分隔的这种整数（得到 {got!r}）。"
    ),
    "{name} must be from 0 (got {got}).": "{name} 必须不小于 0（得到 {got}）。",
}
