"""Messages of `interop`: importers and exporters of PyTorch, Keras and ONNX."""

MESSAGES = {
    "an object of another kind": "其他类型的对象",
    # Import specs
    "The model must have the form {prefix}:package.module:callable (got {got!r}). For example, use {example}, "
    "and pass arguments by --arg name=value. [{prefix}-name]": (
        "模型名称的格式应为 {prefix}:package.module:callable（实际为 {got!r}）。例如 {example}，参数用 --arg "
        "名称=值 传入。[{prefix}-name]"
    ),
    "Module {module!r} cannot be imported (got {error}). Check the name, and install the package. "
    "[{prefix}-import]": "无法导入模块 {module!r}（{error}）。请检查名称，并安装该软件包。[{prefix}-import]",
    "Module {module} has no attribute {attribute} (got no {part!r} in it). {hint} [{prefix}-callable]": (
        "模块 {module} 没有属性 {attribute}（其中找不到 {part!r}）。{hint}[{prefix}-callable]"
    ),
    "{attribute} must be {model} or return one (got {got}). Name a model, or a function that builds one. "
    "[{prefix}-model]": (
        "{attribute} 必须是 {model}，或者返回 {model}（实际为 {got}）。请指定一个模型，或一个构建模型的函数。"
        "[{prefix}-model]"
    ),
    "{attribute} failed to build {model} (got {error}). Pass other arguments by --arg name=value. "
    "[{prefix}-raised]": (
        "{attribute} 构建 {model} 失败（{error}）。请用 --arg 名称=值 传入其他参数。[{prefix}-raised]"
    ),
    "{attribute} does not accept these arguments (got {reason}). {hint} [{prefix}-arguments]": (
        "{attribute} 不接受这些参数（{reason}）。{hint}[{prefix}-arguments]"
    ),
    "Its arguments are {names}; pass them by --arg name=value.": "它的参数是 {names}，用 --arg 名称=值 传入。",
    "It takes no arguments.": "它没有参数。",
    "a Keras model": "Keras 模型",
    "a torch.nn.Module": "torch.nn.Module",
    # Keras
    "Keras models need Keras 3 with {backends} as its backend": "读取 Keras 模型需要 Keras 3，后端为 {backends}",
    "got {error}": "{error}",
    "got Keras {version}": "当前为 Keras {version}",
    "from_keras.model must be a Keras model (got {got}). Pass one, as in "
    "from_keras(keras.applications.ResNet50(weights=None)). [keras-model]": (
        "from_keras.model 必须是 Keras 模型（实际为 {got}）。请传入模型，例如 "
        "from_keras(keras.applications.ResNet50(weights=None))。[keras-model]"
    ),
    "from_keras.model has no input shape (got {kind} {name!r}). Pass input_shape=(channels, height, width) or "
    "--input, or build it from keras.Input. [keras-unbuilt]": (
        "from_keras.model 没有输入形状（{kind} {name!r}）。请传入 input_shape=(通道, 高, 宽) 或 --input，或用 "
        "keras.Input 构建模型。[keras-unbuilt]"
    ),
    "from_keras.input_shape must have a shape for each input of {kind} {name!r} (it is called with "
    "{arguments}). Pass input_shape={{{example}}}, channels first. [keras-inputs]": (
        "from_keras.input_shape 必须给出 {kind} {name!r} 每个输入的形状（调用时传入 {arguments}）。请传入 "
        "input_shape={{{example}}}，通道在前。[keras-inputs]"
    ),
    "several tensors": "多个张量",
    "input_shape must have {count} size(s) for input {name!r}, {declared} (got {requested}). List them "
    "channels first and without the batch. [keras-input]": (
        "输入 {name!r}（{declared}）的 input_shape 必须有 {count} 个大小（实际为 {requested}）。请按通道在前的顺序"
        "列出，不含批量。[keras-input]"
    ),
    "Input {name!r} has open sizes (got {declared}). Pass input_shape=… or --input, channels first and without "
    "the batch. [keras-open]": (
        "输入 {name!r} 的大小不确定（实际为 {declared}）。请传入 input_shape=… 或 --input，通道在前，不含批量。"
        "[keras-open]"
    ),
    "a scalar": "标量",
    "{kind} has no graph, and cannot be called with symbolic tensors (got {error}). Build it from keras.Input, "
    "or use keras.ops in its call. [keras-trace]": (
        "{kind} 没有计算图，也无法用符号张量调用（{error}）。请用 keras.Input 构建模型，或在它的 call 中使用 "
        "keras.ops。[keras-trace]"
    ),
    "weights that do not appear in its graph": "有些权重没有出现在计算图中",
    "a call that returns no symbolic tensors": "调用没有返回符号张量",
    "a symbolic tensor that is not an input": "符号张量不是模型的输入",
    "Layer {name!r}: {error}": "层 {name!r}：{error}",
    "Layer {name!r} does not accept the output of the layers before it for this input shape (got {got}). Pass "
    "the shape that the model was built for, channels first. [keras-shape]": (
        "在此输入形状下，层 {name!r} 不接受前面各层的输出（{got}）。请传入构建模型时的形状，通道在前。"
        "[keras-shape]"
    ),
    "an output size that depends on the input's values": "输出大小取决于输入的数值",
    "{parameter} has {size:,} elements in the model (got {shape} for this input shape). Pass the shape that "
    "the model was built for, channels first. [keras-weights]": (
        "{parameter} 在模型中有 {size:,} 个元素（此输入形状对应 {shape}）。请传入构建模型时的形状，通道在前。"
        "[keras-weights]"
    ),
    "The model's weights have no values (got {error} for {name!r}). Build the model on the CPU, or leave out "
    "parameters=True. [keras-no-numbers]": (
        "模型的权重没有数值（{name!r}：{error}）。请在 CPU 上构建模型，或去掉 parameters=True。[keras-no-numbers]"
    ),
    "An array created in a layer's call must have the same values for every image (got rows that differ). "
    "Leave out parameters=True. [keras-rows]": (
        "层的 call 中创建的数组对每幅图像必须取相同的值（实际各行不同）。请去掉 parameters=True。[keras-rows]"
    ),
    # PyTorch
    "from_torch.module must be a torch.nn.Module (got {got}). Pass an instance, as in from_torch(MyNet(), (3, "
    "224, 224)). [torch-module]": (
        "from_torch.module 必须是 torch.nn.Module（实际为 {got}）。请传入实例，例如 from_torch(MyNet(), (3, 224, "
        "224))。[torch-module]"
    ),
    "input_shape must have at most {limit} axes (got {rank} in {shape!r}). Leave out the batch axis, or merge "
    "axes. [torch-input]": (
        "input_shape 最多有 {limit} 个轴（实际 {shape!r} 有 {rank} 个）。请去掉批量轴，或合并某些轴。[torch-input]"
    ),
    "input_shape must have a shape for every required argument of {module}.forward({arguments}) (got none for "
    "{missing}). Pass input_shape={{{example}}}, or wrap the module in one that creates the others. "
    "[torch-inputs]": (
        "input_shape 必须给出 {module}.forward({arguments}) 每个必需参数的形状（缺少 {missing}）。请传入 "
        "input_shape={{{example}}}，或用另一个模块包装它，由后者创建其余参数。[torch-inputs]"
    ),
    "A module with lazy layers must support copy.deepcopy (got {error} from {module}). Run it on a batch of "
    "inputs once before importing it. [torch-lazy]": (
        "含有延迟初始化层的模块必须支持 copy.deepcopy（{module} 引发 {error}）。请在导入前先用一个批量的输入运行一"
        "次。[torch-lazy]"
    ),
    "A module must be Python code to be recorded (got TorchScript in {where}). Pass the module that was "
    "scripted or traced, or the same network as an ONNX file. [torch-script]": (
        "模块必须是 Python 代码才能记录（{where}：TorchScript）。请传入脚本化或追踪之前的模块，或传入同一网络的 "
        "ONNX 文件。[torch-script]"
    ),
    "module {path!r}": "模块 {path!r}",
    "the module itself": "模块本身",
    "The module does not accept inputs of {shape} (got {reason}, in {where}). Pass the shape it was built for, "
    "without the batch. [torch-forward]": (
        "模块不接受形状为 {shape} 的输入（{where}：{reason}）。请传入模块所需的形状，不含批量。[torch-forward]"
    ),
    "The module does not accept inputs of {shapes} (got {reason}, in {where}). Pass the shapes it was built "
    "for, without the batch. [torch-forward]": (
        "模块不接受形状为 {shapes} 的输入（{where}：{reason}）。请传入模块所需的各个形状，不含批量。"
        "[torch-forward]"
    ),
    "The module's forward cannot run on tensors without memory (got {reason}, in {where}). Import the part "
    "that can. [torch-forward]": (
        "模块的 forward 无法在不占内存的张量上运行（{where}：{reason}）。请导入可以这样运行的部分。[torch-forward]"
    ),
    "The module's forward must return a tensor computed from its input (got {got}). Import the part of the "
    "module that does. [torch-output]": (
        "模块的 forward 必须返回由输入计算得到的张量（实际为 {got}）。请导入满足这一点的部分。[torch-output]"
    ),
    "The module's forward needs too much memory: arrays that depend on no input are computed while it is "
    "recorded (got one of {size}, in {where}). Pass a smaller input_shape, or import the part without that "
    "array. [torch-memory]": (
        "模块的 forward 需要的内存过多：记录时会计算不依赖输入的数组（{where}：其中一个占 {size}）。请传入更小的 "
        "input_shape，或导入不含该数组的部分。[torch-memory]"
    ),
    "The module's forward needs too much memory: arrays that depend on no input are computed while it is "
    "recorded (got one too large, in {where}). Pass a smaller input_shape, or import the part without that "
    "array. [torch-memory]": (
        "模块的 forward 需要的内存过多：记录时会计算不依赖输入的数组（{where}：其中一个过大）。请传入更小的 "
        "input_shape，或导入不含该数组的部分。[torch-memory]"
    ),
    "The network depends on the values in a tensor, which has none here (got {function}() of a tensor in "
    "{where}). Compute it from shapes, or import the part without it. [torch-control-flow]": (
        "网络结构取决于张量的数值，而这里的张量没有数值（{where}：对张量调用了 {function}()）。请改由形状计算，或"
        "导入不含它的部分。[torch-control-flow]"
    ),
    "A module must call PyTorch's functions from Python to be recorded (got a tensor in {where} that other "
    "code, such as an operator in C++, computed from its input). Write that part in Python, or import the "
    "network without it. [torch-unseen]": (
        "模块必须从 Python 调用 PyTorch 的函数才能记录（{where}：有一个张量由其他代码（例如 C++ 算子）根据输入算"
        "出）。请用 Python 编写这一部分，或导入不含它的网络。[torch-unseen]"
    ),
    "The module's weights have no values (got {name!r} on the meta device). Build the module on the CPU, or "
    "leave out parameters=True. [torch-no-numbers]": (
        "模块的权重没有数值（{name!r} 在 meta 设备上）。请在 CPU 上构建模块，或去掉 parameters=True。"
        "[torch-no-numbers]"
    ),
    # ONNX: files
    "ONNX models need the onnx package": "读取和写入 ONNX 模型需要 onnx",
    "{path!r} is not a file (got a folder). Pass the .onnx file in it. [file-kind]": (
        "{path!r} 不是文件（而是文件夹）。请传入其中的 .onnx 文件。[file-kind]"
    ),
    "{path!r} cannot be read (got {reason}). Check the path. [file-missing]": (
        "无法读取 {path!r}（{reason}）。请检查路径。[file-missing]"
    ),
    "{path!r} is damaged (got {reason}). Copy or download it again. [onnx-damaged]": (
        "{path!r} 已损坏（{reason}）。请重新复制或下载。[onnx-damaged]"
    ),
    "{path!r} must have names in UTF-8 (got the bytes {name!r}). Copy or download it again. [onnx-damaged]": (
        "{path!r} 中的名称必须是 UTF-8 编码（实际为字节 {name!r}）。请重新复制或下载。[onnx-damaged]"
    ),
    "messages nested deeper than {limit}": "消息嵌套超过 {limit} 层",
    "wire type {kind} at byte {start:,}": "第 {start:,} 字节处的线路类型为 {kind}",
    "field number 0 at byte {start:,}": "第 {start:,} 字节处的字段编号为 0",
    "{missing:,} bytes too few, in a field that starts at byte {start:,}": (
        "从第 {start:,} 字节开始的字段缺少 {missing:,} 字节"
    ),
    "the end of the file in a varint at byte {position:,}": "文件在第 {position:,} 字节处的变长整数中结束",
    "a varint of more than 64 bits at byte {position:,}": "第 {position:,} 字节处的变长整数超过 64 位",
    "{path!r} is not an ONNX model (got an empty file). Save it again. [onnx-none]": (
        "{path!r} 不是 ONNX 模型（文件为空）。请重新保存。[onnx-none]"
    ),
    "{path!r} is not an ONNX model (got a file of another kind). Pass a .onnx file. [onnx-none]": (
        "{path!r} 不是 ONNX 模型（而是其他类型的文件）。请传入 .onnx 文件。[onnx-none]"
    ),
    "{path!r} is not an ONNX model (got no graph with outputs, or no operator set). Pass a model that "
    "onnx.checker accepts. [onnx-none]": (
        "{path!r} 不是 ONNX 模型（没有带输出的计算图，或没有算子集）。请传入 onnx.checker 认可的模型。[onnx-none]"
    ),
    "{path!r} must contain at most {limit} MiB besides its tensors (got {size:,} bytes). Store weights as "
    "initializers. [onnx-size]": (
        "{path!r} 除张量外最多 {limit} MiB（实际为 {size:,} 字节）。请把权重存为 initializer。[onnx-size]"
    ),
    "{path!r} must use operator set {oldest} to {newest} (got {got}). {hint} [onnx-opset]": (
        "{path!r} 必须使用算子集 {oldest} 至 {newest}（实际为 {got}）。{hint}[onnx-opset]"
    ),
    "none of the ai.onnx domain": "没有 ai.onnx 域的算子集",
    "Convert it with onnx.version_converter.": "请用 onnx.version_converter 转换。",
    "Install a newer onnx package.": "请安装更新的 onnx。",
    # ONNX: tensors
    "Tensor {name!r} of {path!r} must have at most {limit:,} elements (got shape {shape}). Export or download "
    "the model again. [onnx-tensor]": (
        "{path!r} 的张量 {name!r} 最多有 {limit:,} 个元素（实际形状为 {shape}）。请重新导出或下载模型。"
        "[onnx-tensor]"
    ),
    "Tensor {name!r} of {path!r} must contain the elements of shape {shape} (got {reason}). Export or download "
    "the model again. [onnx-tensor]": (
        "{path!r} 的张量 {name!r} 必须包含形状 {shape} 的全部元素（{reason}）。请重新导出或下载模型。[onnx-tensor]"
    ),
    "Tensor {name!r} of {path!r} has wrong external data (got {got}). Export or download the model again. "
    "[onnx-tensor]": "{path!r} 的张量 {name!r} 的外部数据有误（{got}）。请重新导出或下载模型。[onnx-tensor]",
    "offset {offset}": "偏移量为 {offset}",
    "{length:,} bytes instead of {needed:,}": "{length:,} 字节，应为 {needed:,} 字节",
    "only {available:,} bytes at offset {offset:,} of {file}": (
        "{file} 的偏移量 {offset:,} 处只有 {available:,} 字节"
    ),
    "The data of tensor {name!r} of {path!r} cannot be read (got {file!r}: {reason}). Copy that file into the "
    "model's folder too. [onnx-external]": (
        "无法读取 {path!r} 的张量 {name!r} 的数据（{file!r}：{reason}）。请把该文件也复制到模型所在的文件夹。"
        "[onnx-external]"
    ),
    "{path!r} must have the data of tensor {name!r} in its own folder (got location={location!r}). Do not use "
    "this file unless you trust it. [onnx-external]": (
        "{path!r} 的张量 {name!r} 的数据必须在模型所在的文件夹中（实际为 location={location!r}）。除非信任该文件，"
        "否则请勿使用。[onnx-external]"
    ),
    "{path!r} must describe at most {limit:,} weights without storing them (got {computed:,}). Import its "
    "structure only. [onnx-weights]": (
        "{path!r} 中未存储而由描述生成的权重最多 {limit:,} 个（实际为 {computed:,}）。请只导入结构。[onnx-weights]"
    ),
    "{path!r} must compute its weights from stored ones in a few steps (got too many for {name!r}). Simplify "
    "the model with an ONNX optimizer. [onnx-weights]": (
        "{path!r} 必须能由已存储的权重经少量步骤算出全部权重（{name!r} 的步骤过多）。请用 ONNX 优化器简化模型。"
        "[onnx-weights]"
    ),
    "Constant {name!r} of {path!r} contains NaN. Export the model again. [onnx-weights]": (
        "{path!r} 的常量 {name!r} 含有 NaN。请重新导出模型。[onnx-weights]"
    ),
    "Weights {name!r} of {path!r} contain NaN or infinity. Export the model again. [onnx-weights]": (
        "{path!r} 的权重 {name!r} 含有 NaN 或无穷大。请重新导出模型。[onnx-weights]"
    ),
    # ONNX: inputs
    "{path!r} must have an input (got a graph of constants). Export it with its input. [onnx-input]": (
        "{path!r} 必须有输入（实际为只含常量的计算图）。请连同输入一起导出。[onnx-input]"
    ),
    "{path!r} must declare the shape of its inputs (got none for {name!r}). Export it with an example input. "
    "[onnx-input]": "{path!r} 必须声明输入的形状（缺少 {name!r} 的形状）。请用一个示例输入导出。[onnx-input]",
    "The inputs of {path!r} must have sizes of at most {limit:,} (got {shape}). Export it again. [onnx-input]": (
        "{path!r} 的输入大小最多为 {limit:,}（实际为 {shape}）。请重新导出。[onnx-input]"
    ),
    "No output of {path!r} depends on its input. Export the model in evaluation mode. [onnx-input]": (
        "{path!r} 没有依赖于输入的输出。请在推理模式下导出模型。[onnx-input]"
    ),
    "The size of input {name!r} of {path!r} is unknown (got {shown}). Pass input_shape={argument}, or --input "
    "{option}{sizes}. [onnx-dims]": (
        "{path!r} 的输入 {name!r} 的大小未知（实际为 {shown}）。请传入 input_shape={argument}，或 --input {option}"
        "{sizes}。[onnx-dims]"
    ),
    "input_shape must have the {count} axes of input {name!r} of {path!r}, without the batch (got {shape}). "
    "Omit it to use the file's own. [onnx-rank]": (
        "input_shape 的轴数必须与 {path!r} 的输入 {name!r} 相同，即 {count} 个，不含批量（实际为 {shape}）。省略它"
        "则使用文件中的形状。[onnx-rank]"
    ),
    # ONNX: graphs and nodes
    "{path!r} must have at most {limit:,} nodes, with functions expanded (got {count:,}). Split the model. "
    "[onnx-nodes]": "{path!r} 展开函数后最多有 {limit:,} 个节点（实际为 {count:,}）。请拆分模型。[onnx-nodes]",
    "{path!r} must nest graphs at most {limit} deep. Simplify it with an ONNX optimizer. [onnx-depth]": (
        "{path!r} 的计算图最多嵌套 {limit} 层。请用 ONNX 优化器简化。[onnx-depth]"
    ),
    "{path!r} must nest graphs and functions at most {limit} deep. Simplify it with an ONNX optimizer. "
    "[onnx-depth]": "{path!r} 的计算图和函数最多嵌套 {limit} 层。请用 ONNX 优化器简化。[onnx-depth]",
    "{path!r} contains a cycle: node {title} depends on its own output. Export the model again. [onnx-cycle]": (
        "{path!r} 含有环：节点 {title} 依赖于自己的输出。请重新导出模型。[onnx-cycle]"
    ),
    "{path!r} must compute each value once (got {name!r} from two nodes). Export the model again. [onnx-twice]": (
        "{path!r} 中每个值只能计算一次（两个节点都输出 {name!r}）。请重新导出模型。[onnx-twice]"
    ),
    "{path!r} uses a value that no node computes: {name!r}, {use}. Export the model again. [onnx-value]": (
        "{path!r} 使用了没有任何节点计算的值 {name!r}（{use}）。请重新导出模型。[onnx-value]"
    ),
    "{path!r} uses a value of unknown shape: {name!r}, {use}. Run onnx.shape_inference.infer_shapes on it. "
    "[onnx-value]": (
        "{path!r} 使用了形状未知的值 {name!r}（{use}）。请对该文件运行 onnx.shape_inference.infer_shapes。"
        "[onnx-value]"
    ),
    "an output of the graph": "计算图的输出",
    "an input of node {node}": "节点 {node} 的输入",
    "Node {node} of {path!r}: {error}": "{path!r} 的节点 {node}：{error}",
    "Node {node} of {path!r} must have {count} input(s) (got {got}). Export or download the model again. "
    "[onnx-node]": (
        "{path!r} 的节点 {node} 必须有 {count} 个输入（实际为 {got}）。请重新导出或下载模型。[onnx-node]"
    ),
    "Node {node} of {path!r} must have {least} to {most} inputs (got {got}). Export or download the model "
    "again. [onnx-node]": (
        "{path!r} 的节点 {node} 必须有 {least} 至 {most} 个输入（实际为 {got}）。请重新导出或下载模型。[onnx-node]"
    ),
    "Attribute {attribute} of node {node} in {path!r} must have type {expected} (got {got}). Export or "
    "download the model again. [onnx-node]": (
        "{path!r} 的节点 {node} 的属性 {attribute} 的类型必须是 {expected}（实际为 {got}）。请重新导出或下载模型。"
        "[onnx-node]"
    ),
    "The equation of node {node} in {path!r} must consist of letters and commas, with at most one '...' in a "
    "term and one '->' (got {equation!r}). Export or download the model again. [onnx-node]": (
        "{path!r} 的节点 {node} 的方程只能由字母和逗号组成，每项最多一个 '...'，最多一个 '->'（实际为 "
        "{equation!r}）。请重新导出或下载模型。[onnx-node]"
    ),
    "Shapes cannot be broadcast together (got {shapes}). Export the model again. [onnx-node]": (
        "这些形状无法一起广播（实际为 {shapes}）。请重新导出模型。[onnx-node]"
    ),
    "{operator}.kernel_shape must be that of the weight, {kernel} (got {declared}). Export the model again. "
    "[onnx-node]": (
        "{operator}.kernel_shape 必须与权重的卷积核大小 {kernel} 一致（实际为 {declared}）。请重新导出模型。"
        "[onnx-node]"
    ),
    "LSTM.hidden_size must be that of R (got {got}). Export the model again. [onnx-node]": (
        "LSTM.hidden_size 必须与 R 一致（实际为 {got}）。请重新导出模型。[onnx-node]"
    ),
    "Reshape.shape must have as many elements as the input (got {error}). Export the model again. [onnx-node]": (
        "Reshape.shape 的元素个数必须与输入相同（{error}）。请重新导出模型。[onnx-node]"
    ),
    "Squeeze.axes must have size 1 (got axes {axes} of {shape}). Export the model again. [onnx-node]": (
        "Squeeze.axes 各轴的大小必须是 1（实际为 {shape} 的轴 {axes}）。请重新导出模型。[onnx-node]"
    ),
    "Transpose.perm must be a permutation of {rank} axes (got {order}). Export the model again. [onnx-node]": (
        "Transpose.perm 必须是 {rank} 个轴的排列（实际为 {order}）。请重新导出模型。[onnx-node]"
    ),
    "SpaceToDepth.blocksize must divide height and width (got {size} for {shape}). Export the model again. "
    "[onnx-node]": "SpaceToDepth.blocksize 必须整除高和宽（{shape} 对应 {size}）。请重新导出模型。[onnx-node]",
    "Split.split must sum to {total} (got {sizes}). Export the model again. [onnx-node]": (
        "Split.split 之和必须为 {total}（实际为 {sizes}）。请重新导出模型。[onnx-node]"
    ),
    "Gather.indices must be from 0 to {last} (got {indices}). Export the model again. [onnx-node]": (
        "Gather.indices 必须在 0 至 {last} 之间（实际为 {indices}）。请重新导出模型。[onnx-node]"
    ),
    "GatherND.indices must be within {sizes} (got {largest} at most, {smallest} at least). Export the model "
    "again. [onnx-node]": (
        "GatherND.indices 必须在 {sizes} 之内（实际最大为 {largest}，最小为 {smallest}）。请重新导出模型。"
        "[onnx-node]"
    ),
    "The shape of {name!r} in {path!r} is unknown: node {node!r} has the unsupported operator {operator}. Run "
    "onnx.shape_inference.infer_shapes on the file, or add value_info. [onnx-operator]": (
        "{path!r} 中 {name!r} 的形状未知：节点 {node!r} 的算子 {operator} 不受支持。请对该文件运行 "
        "onnx.shape_inference.infer_shapes，或添加 value_info。[onnx-operator]"
    ),
    "The batch axis is combined with another axis (got a batch of {size} and an output of shape {shape}). "
    "Export the model with a batch of 1 or a symbolic one. [onnx-batch]": (
        "批量轴与其他轴合并了（批量为 {size}，输出形状为 {shape}）。请以批量 1 或符号批量导出模型。[onnx-batch]"
    ),
    # ONNX: constant folding
    "A constant of {path!r} cannot be computed (got {reason} at node {node!r}, {operator}). Simplify the model "
    "with an ONNX optimizer. [onnx-constant]": (
        "无法计算 {path!r} 的常量（节点 {node!r}，{operator}：{reason}）。请用 ONNX 优化器简化模型。"
        "[onnx-constant]"
    ),
    "the unsupported attribute {name}": "不支持属性 {name}",
    "a Constant without a numeric value": "Constant 没有数值",
    "a list of {size:,} integers": "含 {size:,} 个整数的列表",
    "an array of shape {shape}": "形状为 {shape} 的数组",
    "a slice of {count} axes of {rank}": "对 {rank} 个轴中的 {count} 个轴切片",
    "shape {shape} for {count} element(s)": "{count} 个元素无法排成形状 {shape}",
    "more than {limit:,} elements in all constants together": "全部常量合计超过 {limit:,} 个元素",
    # ONNX: export
    "An ONNX file holds at most 2 GiB (got {weight_bytes:,} bytes of weights for {path!r}). Save the model "
    "with Model.save instead. [onnx-large]": (
        "一个 ONNX 文件最多 2 GiB（{path!r} 的权重有 {weight_bytes:,} 字节）。请改用 Model.save 保存模型。"
        "[onnx-large]"
    ),
    "{kind} cannot be expressed in ONNX operators (layer {name!r}). Save the model with Model.save instead. "
    "[no-onnx]": "{kind}（层 {name!r}）无法用 ONNX 算子表示。请改用 Model.save 保存模型。[no-onnx]",
    "ONNX's LSTM has no projection (got proj_size={proj_size} in layer {name!r}). Save the model with "
    "Model.save instead. [no-onnx]": (
        "ONNX 的 LSTM 没有投影（层 {name!r} 的 proj_size={proj_size}）。请改用 Model.save 保存模型。[no-onnx]"
    ),
    "{path!r} is not a readable .keras file ({reason}). Use another copy; a model with classes or "
    "functions of its own needs keras:package.module:callable. [file-damaged]": (
        "{path!r} 不是可读的 .keras 文件（{reason}）。请换一份副本；含有自定义类或函数的模型须用 keras"
        ":package.module:callable。[file-damaged]"
    ),
    "{path!r} must have a state dict, at the top or under one of {keys} (got {got}). Save it with "
    "torch.save(module.state_dict(), path). [weights-pickle]": (
        "{path!r} 的顶层或 {keys} 之一必须是 state dict（实际为 {got}）。请用 torch.save"
        "(module.state_dict(), path) 保存。[weights-pickle]"
    ),
    "keys {keys}": ("键 {keys}"),
    "{path!r} must have tensors only, since other objects may run code (got {reason}). Save it with "
    "torch.save(module.state_dict(), path). [weights-pickle]": (
        "{path!r} 只能含有张量，因为其他对象可能运行代码（实际为 {reason}）。请用 torch.save(modul"
        "e.state_dict(), path) 保存。[weights-pickle]"
    ),
    "{path!r} is not a readable PyTorch file ({reason}). Use another copy. [file-damaged]": (
        "{path!r} 不是可读的 PyTorch 文件（{reason}）。请换一份副本。[file-damaged]"
    ),
    "its zip archive is incomplete or damaged": "其 zip 压缩包不完整或已损坏",
}
