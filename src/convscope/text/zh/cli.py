"""Chinese texts of the command line."""

MESSAGES = {
    "{folder} has {total:,} images; {count} of them are shown.": "{folder} 有 {total:,} 张图像，显示其中 {count} 张。",
    # Effective receptive fields
    "--images, --count, --weights and --normalize need --effective. Add it, or draw on one image with --image. "
    "[field-effective]": (
        "--images、--count、--weights 和 --normalize 需要与 --effective 同用。请加上它，或用 --image 在一幅图像上绘制。"
        "[field-effective]"
    ),
    "--at needs a LAYER. Name the layer after the model. [effective-at]": (
        "--at 需要 LAYER。请在模型之后给出层名。[effective-at]"
    ),
    # Commands and options
    "There is no command {name!r}. {hint} [verb]": "没有命令 {name!r}。{hint}[verb]",
    "There is no figure {name!r}. {hint} [verb]": "没有图 {name!r}。{hint}[verb]",
    "No such option {option!r}.": "没有选项 {option!r}。",
    "No such option {option!r}. Did you mean {names}?": "没有选项 {option!r}。是不是想输入 {names}？",
    "Missing argument {name}.": "缺少参数 {name}。",
    "Invalid value for {name}: {reason}": "{name} 的值无效：{reason}",
    "{got} is not one of {choices}.": "{got} 不在 {choices} 之中。",
    "{got} is not an integer.": "{got} 不是整数。",
    "{got} is not a number.": "{got} 不是数字。",
    "{got} is not in the range {range}.": "{got} 不在范围 {range} 内。",
    "try: {command} --help": "请查看：{command} --help",
    "{options} exclude each other (got {got}). Use only one of them. [one-of]": (
        "{options} 不能同时使用（实际给了 {got}）。请只用其中一个。[one-of]"
    ),
    "{option} must be sizes joined by x, channels first (got {got!r}). Example: 3x224x224. [shape]": (
        "{option} 必须是用 x 连接的尺寸，通道在前（实际为 {got!r}）。例如：3x224x224。[shape]"
    ),
    "{option} must name a different input each time (got {got!r}). Give --input NAME=CxHxW once per input. "
    "[shape]": (
        "{option} 每次必须指定不同的输入（实际为 {got!r}）。请为每个输入给一次 --input NAME=CxHxW。[shape]"
    ),
    "{option} must be integers separated by commas (got {got!r}). Example: 3,2 for row 3, column 2. [place]": (
        "{option} 必须是用逗号分隔的整数（实际为 {got!r}）。例如：3,2 表示第 3 行第 2 列。[place]"
    ),
    "{option} must be a number of pixels (got {got!r}). Example: 32, or 32x48 for rows and columns. [extent]": (
        "{option} 必须是像素数（实际为 {got!r}）。例如：32，或用 32x48 表示行数和列数。[extent]"
    ),
    "{option} must be a number of at least 0 (got {got!r}). Examples: 25000000, 4G, 500M, 1.5e9, 16MiB. "
    "[amount]": (
        "{option} 必须是不小于 0 的数（实际为 {got!r}）。例如：25000000、4G、500M、1.5e9、16MiB。[amount]"
    ),
    "{option} must be a matrix of numbers (got {got!r}). Write rows of equal length, such as 0,1,0/1,-4,1/0,1,0. "
    "[kernel]": "{option} 必须是数字矩阵（实际为 {got!r}）。各行长度须相等，例如 0,1,0/1,-4,1/0,1,0。[kernel]",
    "{option} must be name=value (got {got!r}). Example: weights=None. [arg]": (
        "{option} 必须写成 name=value（实际为 {got!r}）。例如：weights=None。[arg]"
    ),
    "--arg needs a MODEL that is a Python callable (got {got!r}). Example: torch:torchvision.models:resnet50. "
    "[arg-model]": (
        "--arg 要求 MODEL 是 Python 可调用对象（实际为 {got!r}）。例如：torch:torchvision.models:resnet50。"
        "[arg-model]"
    ),
    # Output
    "saved {path}": "已保存 {path}",
    "The output could not be written ({reason}). [output]": "无法写出结果（{reason}）。[output]",
    "The output's encoding ({encoding}) has no Chinese characters. Set PYTHONUTF8=1, or write to a file with "
    "--save. [encoding]": "输出编码（{encoding}）没有汉字。请设置 PYTHONUTF8=1，或用 --save 写入文件。[encoding]",
    "--save must end in {suffixes} (got {got!r}). Rename the file, or add --format. [explain-suffix]": (
        "--save 的文件名必须以 {suffixes} 结尾（实际为 {got!r}）。请改文件名，或加上 --format。[explain-suffix]"
    ),
    "--at needs a LAYER. Name the layer after the model. [explain-at]": (
        "--at 需要 LAYER。请在模型之后写出层名。[explain-at]"
    ),
    "Neither a unit nor a pixel is given. Add --at ROW,COL for a unit, such as --at 3,2, or --pixel ROW,COL. "
    "[field-at]": (
        "既没有指定单元，也没有指定像素。请用 --at ROW,COL 指定单元（例如 --at 3,2），或用 --pixel ROW,COL "
        "指定像素。[field-at]"
    ),
    "--image needs --save. Add the file to write, such as --save seen.png. [field-image]": (
        "--image 需要 --save。请给出要写入的文件，例如 --save seen.png。[field-image]"
    ),
    "--set must be SETTING=VALUE (got {got!r}). Example: negative_slope=0.2. [set]": (
        "--set 必须写成 SETTING=VALUE（实际为 {got!r}）。例如：negative_slope=0.2。[set]"
    ),
    "No limit is given. Add one, such as --max-macs 4G. [no-limit]": (
        "没有给出任何限制。请至少给出一项，例如 --max-macs 4G。[no-limit]"
    ),
    "network": "网络",
    "input": "输入",
    "layers": "层数",
    "Show a network with `convscope inspect NAME`; change its input shape with --input.": (
        "用 `convscope inspect NAME` 查看网络；用 --input 改变输入形状。"
    ),
    # Engine and benchmarks
    "{feature} needs the native engine, which is not available on this machine (see the warning above). If "
    "llvmlite "
    "is missing, run `pip install llvmlite`. [native-engine]": (
        "{feature} 需要 native 引擎，但它在这台机器上不可用（见上面的警告）。如果缺少 llvmlite，请运行 "
        "`pip install llvmlite`。[native-engine]"
    ),
    "not installed, skipped: {names}": "未安装，已跳过：{names}",
    "peak performance of this processor": "本机处理器的峰值性能",
    "stopped after {count:,} measurement(s)": "已停止，完成了 {count:,} 项测量",
    "Nothing to measure: each convolution of this network has only one algorithm.": (
        "无需测量：这个网络的每个卷积都只有一种算法。"
    ),
    # Data and runs
    "RUN must be the folder of a trained model (got the network {got!r}, which has no trained parameters). Train "
    "it "
    "with `convscope train {model} --data DATA`, then pass the folder that it writes. [no-model]": (
        "RUN 必须是训练好的模型的文件夹（实际为网络 {got!r}，它没有训练好的参数）。请先用 "
        "`convscope train {model} --data DATA` 训练，再给出它写入的文件夹。[no-model]"
    ),
    "--channels must be 1 for gray or 3 for color (got {got}). [channels]": (
        "--channels 必须是 1（灰度）或 3（彩色）（实际为 {got}）。[channels]"
    ),
    "--validation must be a fraction from 0 to {most} (got {got:g}). 0.1 is usual, 0 disables validation. "
    "[hold-out]": (
        "--validation 必须是 0 到 {most} 之间的比例（实际为 {got:g}）。通常用 0.1，0 表示不做验证。[hold-out]"
    ),
    "--resize must be one size or rows x columns, at most 10,000 each (got {got}). Examples: 28, 28x32. "
    "[resize]": (
        "--resize 必须是一个尺寸，或“行数 x 列数”，每项不超过 10,000（实际为 {got}）。例如：28、28x32。[resize]"
    ),
    "The images of {data} are {got}, but {network} takes {expected}. {hint} [data-shape]": (
        "{data} 的图像是 {got}，而 {network} 要求 {expected}。{hint}[data-shape]"
    ),
    "{data} has {classes} classes, but {network} has only {outputs} outputs. {hint} [data-classes]": (
        "{data} 有 {classes} 个类别，而 {network} 只有 {outputs} 个输出。{hint}[data-classes]"
    ),
    "Use {options}.": "请用 {options}。",
    "Prepare images of {shape}, or choose another network.": "请准备 {shape} 的图像，或换一个网络。",
    "Train a network with {classes} outputs.": "请训练有 {classes} 个输出的网络。",
    "layer {name!r}": "层 {name!r}",
    "the last layer": "最后一层",
    "Give {layer} {classes} outputs.": "请把 {layer} 改为 {classes} 个输出。",
    "Run `convscope convert {model} {copy}`, give {layer} in {copy} {classes} outputs, and train {copy}.": (
        "请运行 `convscope convert {model} {copy}`，把 {copy} 中的 {layer} 改为 {classes} 个输出，再训练 {copy}。"
    ),
    "skipped {count:,} unreadable image(s): {names}": "跳过 {count:,} 张无法读取的图像：{names}",
    "skipped {count:,} folder(s) without images: {names}": "跳过 {count:,} 个没有图像的文件夹：{names}",
    "--part must be {splits} (got {got!r}). {hint} [part]": (
        "--part 必须是 {splits}（实际为 {got!r}）。{hint}[part]"
    ),
    "{run} on {data} ({part}, {count:,} image(s))": "{run}，数据 {data}（{part}，{count:,} 张图像）",
    "The run was trained on arrays, so its data cannot be loaded. Add --data with a dataset, a folder or an .npz "
    "file. [data-missing]": (
        "这次训练用的是数组，因此无法加载它的数据。请用 --data 给出数据集、文件夹或 .npz 文件。[data-missing]"
    ),
    "The run was trained on arrays, so its data cannot be loaded. Add --data with the same data. [data-missing]": (
        "这次训练用的是数组，因此无法加载它的数据。请用 --data 给出同样的数据。[data-missing]"
    ),
    "--top must be an integer of at least 1 (got {got}). 3 is usual. [top]": (
        "--top 必须是不小于 1 的整数（实际为 {got}）。通常用 3。[top]"
    ),
    "Each output is an independent probability: the model is a multi-label classifier.": (
        "每个输出都是独立的概率：这是多标签分类器。"
    ),
    # Training
    "{missing} is missing. Give both MODEL and --data, such as `convscope train lenet --data mnist`, or --resume "
    "with a run. [train-what]": (
        "缺少 {missing}。请同时给出 MODEL 和 --data，例如 `convscope train lenet --data mnist`，或用 --resume "
        "给出一次训练。[train-what]"
    ),
    "--run must be a new folder (got {got!r}, which has a run). Resume it with `convscope train --resume "
    "{folder}`, "
    "or choose another folder. [run-exists]": (
        "--run 必须是新文件夹（{got!r} 中已有一次训练）。请用 `convscope train --resume {folder}` 继续训练，"
        "或换一个文件夹。[run-exists]"
    ),
    "{network} on {data}: {images:,} images of {shape}, {classes} classes, {params:,} parameters, engine "
    "{engine}": (
        "{network}，数据 {data}：{images:,} 张 {shape} 的图像，{classes} 个类别，{params:,} 个参数，引擎 {engine}"
    ),
    "{network} has {outputs} outputs for {classes} classes: the others are unused": (
        "{network} 有 {outputs} 个输出，而类别只有 {classes} 个：其余输出不使用"
    ),
    "{folder}: {files}": "{folder}：{files}",
    "writing {folder}": "写入 {folder}",
    "writing {folder}, a fork of {run} at step {step}": "写入 {folder}，从 {run} 的第 {step} 步分叉",
    "--at needs --fork. Add --fork with a run. [fork-run]": "--at 需要 --fork。请加上 --fork 和一次训练。[fork-run]",
    "resuming {folder}": "继续训练 {folder}",
    "The run in {folder} is already finished. Continue it with `convscope train --resume {run} --epochs "
    "{epochs}`, "
    "or more.": (
        "{folder} 中的训练已经完成。如要继续，请运行 `convscope train --resume {run} --epochs {epochs}`，"
        "轮次也可以更多。"
    ),
    "resume with: convscope train --resume {run}": "继续训练：convscope train --resume {run}",
    "diagnose with: convscope diagnose {run}": "诊断：convscope diagnose {run}",
    "next: convscope {verb} {run}": "下一步：convscope {verb} {run}",
    "{file} was not saved: {error}": "{file} 未保存：{error}",
    "Stopped early: the loss no longer decreased.": "提前停止：损失不再下降。",
    "Diverged at step {step}, before the first epoch ended.": "在第 {step} 步发散，第一轮尚未结束。",
    "Diverged at step {step}; best.safetensors is from an earlier epoch.": (
        "在第 {step} 步发散；best.safetensors 来自之前的轮次。"
    ),
    "--optimizer must be {optimizers} (got {got!r}). {hint} [optimizer]": (
        "--optimizer 必须是 {optimizers}（实际为 {got!r}）。{hint}[optimizer]"
    ),
    "--momentum applies to --optimizer sgd only (got {got}, which has its own). Leave it out. [momentum]": (
        "--momentum 只用于 --optimizer sgd（实际为 {got}，它有自己的动量）。请去掉它。[momentum]"
    ),
    "--label-smoothing applies to --loss cross-entropy only (got {got}). Leave it out. [label-smoothing]": (
        "--label-smoothing 只用于 --loss cross-entropy（实际为 {got}）。请去掉它。[label-smoothing]"
    ),
    # Configuration files
    "The YAML file {path!r} cannot be read ({reason}). Check the path. [config-file]": (
        "无法读取 YAML 文件 {path!r}（{reason}）。请检查路径。[config-file]"
    ),
    "more than 1 MiB": "超过 1 MiB",
    "no UTF-8 text": "不是 UTF-8 文本",
    "{path!r} must have one `option: value` per line. Example: `epochs: 5`. [config-file]": (
        "{path!r} 的每一行必须是一个 `option: value`。例如：`epochs: 5`。[config-file]"
    ),
    "{path}, line {line}: `{command}` has no option {key!r}. {hint} [config-key]": (
        "{path} 第 {line} 行：`{command}` 没有选项 {key!r}。{hint}[config-key]"
    ),
    "{path}, line {line}: {key} must have one value (got a list or mapping). Write `{key}: value`. "
    "[config-value]": (
        "{path} 第 {line} 行：{key} 必须只有一个值（实际为列表或映射）。请写成 `{key}: value`。[config-value]"
    ),
    "{path}, line {line}: the value of {key} is invalid. {reason} See `{command} --help`. [config-value]": (
        "{path} 第 {line} 行：{key} 的值无效。{reason}请查看 `{command} --help`。[config-value]"
    ),
    # Attributions and units
    "--channel and --target need --image, and a trained MODEL. [explain-image]": (
        "--channel 和 --target 需要 --image 以及已训练的 MODEL。[explain-image]"
    ),
    "--image needs a LAYER and --channel. Add --at ROW,COL, too, if the layer has positions. [explain-image]": (
        "--image 需要 LAYER 和 --channel。若该层有空间位置，请再加上 --at ROW,COL。[explain-image]"
    ),
    "--save names one figure (got {count} images). Leave it out. [attribute-save]": (
        "--save 只指定一个图文件（实际有 {count} 张图像）。请省略它。[attribute-save]"
    ),
    "--target must be a class of the model (got {got!r}). {hint} [target]": (
        "--target 必须是模型的类别（实际为 {got!r}）。{hint} [target]"
    ),
    "Its classes have no names. Use a number from 0.": "它的类别没有名称。请使用从 0 开始的编号。",
    "No images to search are given. Add --data with a dataset or a folder. [data-missing]": (
        "没有给出要搜索的图像。请用 --data 指定数据集或文件夹。[data-missing]"
    ),
    "{image}: {method} of {label}": "{image}：{method}，{label}",
    "{name} (score {score})": "{name}（得分 {score}）",
    "--save must end in {suffixes} (got {got!r}). Rename the file. [lab-suffix]": (
        "--save 必须以 {suffixes} 结尾（实际为 {got!r}）。请重命名文件。[lab-suffix]"
    ),
    "OUT must end in .txt for notation, .yaml for YAML, .html for a page, or .onnx, .safetensors or .pt with "
    "weights, or be a dash (got {got!r}). [convert-ending]": (
        "OUT 必须以 .txt（记法）、.yaml（YAML）、.html（网页）或 .onnx、.safetensors、.pt（含权重）结尾，或为"
        "短横线（实际为 {got!r}）。[convert-ending]"
    ),
    "--{option} needs a format with weights (got {got!r}). Write to .onnx, .safetensors or .pt. "
    "[convert-weights]": (
        "--{option} 只用于含权重的格式（实际为 {got!r}）。请写入 .onnx、.safetensors 或 .pt。[convert-weights]"
    ),
    "--{option} needs --data with images for the channels of MODEL. [diagnose-data]": (
        "--{option} 需要与 --data 同用，由其中的图像检查 MODEL 的通道。[diagnose-data]"
    ),
    "No data to evaluate on are given. Add --data with a dataset, a folder or an .npz file. [data-missing]": (
        "没有给出用于评估的数据。请用 --data 指定数据集、文件夹或 .npz 文件。[data-missing]"
    ),
    "The values are the network's output, not probabilities: the model is not declared as a classifier "
    "(task={task}). Add --task classification for probabilities.": (
        "这些值是网络的输出，不是概率：模型未声明为分类器（task={task}）。加上 --task classification 可得到概率。"
    ),
    "{path!r} must name the {expected} classes of {network} (got {got} names). [classes-count]": (
        "{path!r} 必须给出 {network} 的 {expected} 个类别的名称（实际有 {got} 个）。[classes-count]"
    ),
    "{option} must be imagenet, none, or MEAN/STD with one value per channel (got {got!r}). Examples: "
    "0.1307/0.3081, 0.5,0.5,0.5/0.2,0.2,0.2. [normalize]": (
        "{option} 必须是 imagenet、none 或每个通道一个值的 MEAN/STD（实际为 {got!r}）。例如："
        "0.1307/0.3081、0.5,0.5,0.5/0.2,0.2,0.2。[normalize]"
    ),
    "The first {count} of {total} channels are drawn. Choose others with --channel.": "只画出 {total} 个通道中的前 {count} 个。可用 --channel 选择其他通道。",
}
