"""Messages of `loading`."""

MESSAGES = {
    "{path!r} has a PyTorch module or its weights, which need the code that builds them. Name that code, torch:package.module:callable, and give the weights to the commands that run it by --weights, or to cs.load_model in Python. [model-file]": "{path!r} 是 PyTorch 模块或其权重，需要构建它的代码。请指定代码 torch:package.module:callable，运行网络的命令用 --weights 读取权重，Python 中用 cs.load_model。[model-file]",
    "{path!r} has a Keras model. Load it with keras:keras.models:load_model --arg filepath={path}, or pass keras.models.load_model({path!r}) to cs.from_keras in Python. [model-file]": "{path!r} 是 Keras 模型。请用 keras:keras.models:load_model --arg filepath={path} 加载，或在 Python 中把 keras.models.load_model({path!r}) 传给 cs.from_keras。[model-file]",
    "{path!r} has a TensorFlow graph. Convert it to ONNX with tf2onnx, and name the .onnx file. [model-file]": "{path!r} 是 TensorFlow 计算图。请用 tf2onnx 转换为 ONNX，再指定 .onnx 文件。[model-file]",
    "{path!r} has weights without a network. Name the network, such as torch:package.module:callable, and give the weights to the commands that run it by --weights. [model-file]": "{path!r} 只有权重，没有网络。请指定网络，例如 torch:package.module:callable，运行网络的命令用 --weights 读取权重。[model-file]",
    "There is no model {got!r}. {hint} A model is a name in the zoo, notation (`input 3x224x224 | conv …`), a .yaml, .json or .onnx file, or a run folder. [model-name]": "没有名为 {got!r} 的模型。{hint}模型可以是内置网络名、记法（`input 3x224x224 | conv …`）、.yaml、.json 或 .onnx 文件，或训练运行的文件夹。[model-name]",
    "{path!r} must be the folder of a run or a saved model (got no run.json and no network.yaml in it). Check the path. [model-folder]": "{path!r} 必须是训练运行或已保存模型的文件夹（其中没有 run.json，也没有 network.yaml）。请检查路径。[model-folder]",
    "A model must be a name, a path, a Network, a Model, a torch.nn.Module or a keras.Model (got {got}). Pass one of these. [model-type]": "模型必须是名称、路径、Network、Model、torch.nn.Module 或 keras.Model（实际为 {got}）。请传入其中之一。[model-type]",
    "A file name must have no zero byte (got {path!r}). Check the path. [file-missing]": "文件名不能含有零字节（实际为 {path!r}）。请检查路径。[file-missing]",
    "{path!r} must be text (got binary data). Name a .yaml or .json file. [file-text]": "{path!r} 必须是文本（得到二进制数据）。请指定 .yaml 或 .json 文件。[file-text]",
    "{path!r} must be a file (got a folder or device). Name a .yaml or .json file. [file-kind]": "{path!r} 必须是文件（得到文件夹或设备）。请指定 .yaml 或 .json 文件。[file-kind]",
    "{path!r} must have at most {most} MiB (got {got:,} bytes). Describe repeated parts with blocks. [file-size]": "{path!r} 不能超过 {most} MiB（实际为 {got:,} 字节）。重复的部分请用 blocks 描述。[file-size]",
    "{path!r} cannot be read ({reason}). Check the path. [file-missing]": "无法读取 {path!r}（{reason}）。请检查路径。[file-missing]",
    "{path!r} must be text in UTF-8 (got another encoding at byte {position:,}). Save it as UTF-8. [file-text]": "{path!r} 必须是 UTF-8 文本（第 {position:,} 字节处不是 UTF-8 编码）。请保存为 UTF-8。[file-text]",
    "{path!r} is an image, not a model. Name the model first, and images after it. [model-file]": "{path!r} 是图像，不是模型。请先写模型，再写图像。[model-file]",
}
