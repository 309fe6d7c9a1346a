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
    "{topic} has no option {name!r}. {hint} [lab-option]": "{topic} 没有 {name!r} 这个选项。{hint} [lab-option]",
    "It has no options.": "它没有选项。",
    "{option} must have at most {most:,} letters (got {got:,}). Use fewer numbers. [lab-long]": (
        "{option} 最多 {most:,} 个字符（实际为 {got:,}）。请减少数值。[lab-long]"
    ),
    "{option} may be given {most} times at most. Leave some out. [lab-repeated]": (
        "{option} 最多可以给出 {most} 次。请去掉一些。[lab-repeated]"
    ),
    "The network of a lesson must have at most {most:,} parameters (got {got:,}). Use a smaller one. "
    "[lab-parameters]": "课程中的网络最多 {most:,} 个参数（实际为 {got:,}）。请使用更小的网络。[lab-parameters]",
    "The lesson has {count:,} values, which is too many for a page (at most {most:,}). Use smaller "
    "inputs, or convscope lab {topic}. [lab-large]": (
        "这一课有 {count:,} 个值，页面最多显示 {most:,} 个。请减小输入，或使用 convscope lab {topic}。[lab-large]"
    ),
    "A run can be paused, stepped, continued and stopped.": "运行可以暂停、单步、继续和停止。",
    "Only networks for gray images of 8×8 to 64×64 pixels and 10 classes can be trained here, on the bundled digits. "
    "Use `convscope train` with other data. [cannot-learn]": (
        "这里只能用内置的手写数字训练输入为 8×8 到 64×64 像素灰度图像、输出为 10 个类别的网络。其他数据请用 "
        "`convscope train`。[cannot-learn]"
    ),
    "Run {name!r} has no checkpoint of step {step!r}. Choose a stored step. [run-step]": (
        "运行 {name!r} 没有第 {step!r} 步的检查点。请选择一个保存的步。[run-step]"
    ),
    "Run {name!r} is being trained by another process. Stop it there with Ctrl-C, then continue it here. "
    "[run-elsewhere]": "运行 {name!r} 正由另一个进程训练。请先在那里按 Ctrl-C 停止，再在这里继续。[run-elsewhere]",
    "Run {name!r} is not trained by this page. Stop it where it was started. [run-elsewhere]": (
        "运行 {name!r} 不是由此页面训练的。请在启动它的地方停止。[run-elsewhere]"
    ),
    "The labels of the run's images are no classes. [no-classes-here]": (
        "该运行的图像的标签不是类别。[no-classes-here]"
    ),
    "The request must be a JSON object.": "请求必须是一个 JSON 对象。",
    "The run does not say how its data is read. [no-data]": "该运行没有说明如何读取其数据。[no-data]",
    "The run folder {path!r} is gone. What is loaded stays on the page; open another run. [run-gone]": (
        "运行文件夹 {path!r} 已不存在。已载入的内容仍在页面上；请打开另一个运行。[run-gone]"
    ),
    "The run was trained on arrays, so its test images cannot be loaded. [no-data]": (
        "该运行是用数组训练的，因此无法载入其测试图像。[no-data]"
    ),
    "The training in {folder} is saved, and can be resumed.": "{folder} 中的训练已保存，可以继续训练。",
    "This network has no run, so its test images are unknown. Open a run. [no-data]": (
        "此网络没有运行，因此其测试图像未知。请打开一个运行。[no-data]"
    ),
    "This run is not open here. Reload the page.": "该运行没有在这里打开。请重新加载页面。",
    "{count} trainings are running already. Stop one of them, or wait. [many-trainings]": (
        "已有 {count} 个训练在进行。请停止其中一个，或等待。[many-trainings]"
    ),
    "{name} is no setting of a training, or its value is of another kind (got {got!r}). Use {known}. "
    "[run-settings]": "{name} 不是训练的设置，或其值的类型不对（得到 {got!r}）。请使用 {known}。[run-settings]",
}
