"""Messages of datasets in Chinese."""

MESSAGES = {
    "{folder!r} is not a folder with images (no file ending in {suffixes}). Name a folder of images. "
    "[images-folder]": (
        "{folder!r} 不是包含图像的文件夹（没有以 {suffixes} 结尾的文件）。请给出图像文件夹。[images-folder]"
    ),
    "x must have 4 axes (n, c, h, w) (got x={shape}). {hint} [data-rank]": (
        "x 必须有 4 个轴 (n, c, h, w)（实际为 x={shape}）。{hint}[data-rank]"
    ),
    "x must contain bytes (uint8, 0…255) or floating-point numbers (got dtype={dtype}). Scale it and use "
    "x.astype('float32'). [data-type]": (
        "x 的元素必须是字节（uint8，0…255）或浮点数（实际为 dtype={dtype}）。请先缩放，再使用 "
        "x.astype('float32')。[data-type]"
    ),
    "x must contain at least one image with at least one pixel (got x={shape}). Check where the images "
    "come from. [data-empty]": (
        "x 必须包含至少一张图像，且每张至少一个像素（实际为 x={shape}）。请检查图像的来源。[data-empty]"
    ),
    "x must be finite in float32 (got {value:g} in image {image}, channel {channel}, row {row}, column "
    "{column}). Repair or remove such images. [data-nan]": (
        "x 的值必须是 float32 范围内的有限数（第 {image} 张图像、通道 {channel}、第 {row} 行第 {column} 列的值为"
        " {value:g}）。请修复或删除这类图像。[data-nan]"
    ),
    "labels must have 1 axis (n,) (got labels={shape}). {hint} [label-rank]": (
        "labels 必须有 1 个轴 (n,)（实际为 labels={shape}）。{hint}[label-rank]"
    ),
    "labels must be integers, indices into the classes (got dtype={dtype}). Use np.unique(labels, "
    "return_inverse=True) to number them. [label-type]": (
        "labels 必须是整数，即类别的索引（实际为 dtype={dtype}）。请用 np.unique(labels, return_inverse=True) 为"
        "类别编号。[label-type]"
    ),
    "There must be one label per image (got {labels} labels for {images} images). Check that both come "
    "from the same split. [label-count]": (
        "每张图像必须有一个标签（实际为 {labels} 个标签、{images} 张图像）。请检查两者是否来自同一划分。"
        "[label-count]"
    ),
    "Class names must be unique (got {name!r} twice). Name each class once. [class-names]": (
        "类别名称不能重复（{name!r} 出现了两次）。每个类别只命名一次。[class-names]"
    ),
    "labels must be from 0 to {highest} (got {label} for image {image}; {outside} of {labels} labels are "
    "outside). {hint} [label-range]": (
        "标签必须在 0 到 {highest} 之间（第 {image} 张图像的标签为 {label}；{labels} 个标签中有 {outside} 个超出"
        "范围）。{hint}[label-range]"
    ),
    "Use x[:, None] for gray images.": "灰度图像请使用 x[:, None]。",
    "Reshape it to one image per row.": "请改变其形状，使每行为一张图像。",
    "Use labels.argmax(1) for one-hot rows.": "独热编码请使用 labels.argmax(1)。",
    "Pass one integer per image.": "请为每张图像传入一个整数。",
    "There are no class names. Name each class once. [class-names]": (
        "没有类别名称。每个类别只命名一次。[class-names]"
    ),
    "Number the classes from 0.": "请从 0 开始为类别编号。",
    "Name every class, and number them from 0.": "请为每个类别命名，并从 0 开始编号。",
    "x must contain floating-point numbers (got dtype={dtype}). Use {code}. [images-type]": (
        "x 的元素必须是浮点数（实际为 dtype={dtype}）。请使用 {code}。[images-type]"
    ),
    "x must be n×{expected} for {network} (got x={got}). {hint} [images-shape]": (
        "{network} 要求 x 的形状为 n×{expected}（实际为 x={got}）。{hint}[images-shape]"
    ),
    "x must contain at least one image (got none). Check where they come from. [images-empty]": (
        "x 必须包含至少一张图像（实际没有）。请检查图像的来源。[images-empty]"
    ),
    "x must be finite (got x[{location}]={value}). Repair or remove such images. [images-nan]": (
        "x 的值必须是有限数（实际为 x[{location}]={value}）。请修复或删除这类图像。[images-nan]"
    ),
    "There must be one label per image (got {got} for {images} images). Check that both come from the same "
    "split. [labels-count]": (
        "每张图像必须有一个标签（实际为 {got} 个标签、{images} 张图像）。请检查两者是否来自同一划分。"
        "[labels-count]"
    ),
    "labels must be numbers (got dtype={dtype}). Use np.unique(labels, return_inverse=True)[1] to number "
    "classes. [labels-type]": (
        "标签必须是数值（实际为 dtype={dtype}）。请用 np.unique(labels, return_inverse=True)[1] 为类别编号。"
        "[labels-type]"
    ),
    "data must be (x, labels) or a dataset (got {got}). Use load_data, or pass a tuple of two arrays. "
    "[data-kind]": (
        "data 必须是 (x, labels) 或数据集（实际为 {got}）。请使用 load_data，或传入由两个数组组成的元组。"
        "[data-kind]"
    ),
    "{argument} must contain at least one image (got none). Check where they come from. [data-empty]": (
        "{argument} 必须包含至少一张图像（实际没有）。请检查图像的来源。[data-empty]"
    ),
    "{argument} must be images of {expected} for {network} (got {got}). Resize them, or use "
    "network.with_input. [data-shape]": (
        "{network} 要求 {argument} 的图像为 {expected}（实际为 {got}）。请缩放图像，或使用 network.with_input。"
        "[data-shape]"
    ),
    "{argument} must have at most {outputs} classes, the outputs of {network} (got {classes}). Give the "
    "network more outputs. [data-classes]": (
        "{argument} 最多只能有 {outputs} 个类别，即 {network} 的输出个数（实际为 {classes} 个）。请增加网络的输"
        "出。[data-classes]"
    ),
    "{network} does not output one value per class (its output is {shape}). End it with globalavgpool or "
    "flatten, then dense. [no-classes]": (
        "{network} 没有为每个类别输出一个值（其输出为 {shape}）。请以 globalavgpool 或 flatten 加 dense 结尾。"
        "[no-classes]"
    ),
    "Use x[None] for one image.": "单张图像请使用 x[None]。",
    "Resize it, or use network.with_input.": "请缩放图像，或使用 network.with_input。",
    "data must be (x, labels) or a dataset (got a tuple of {length}). Pass two arrays. [data-kind]": (
        "data 必须是 (x, labels) 或数据集（实际是含 {length} 个元素的元组）。请传入两个数组。[data-kind]"
    ),
    "one number": "单个数值",
    "{path!r} is not an intact file of the binary version of CIFAR-10 ({reason}). Download {archive} "
    "again. [file-damaged]": (
        "{path!r} 不是完好的 CIFAR-10 二进制版文件（{reason}）。请重新下载 {archive}。[file-damaged]"
    ),
    "{path!r} must contain {size:,} bytes for {shape} (got {got}). Download it again. [idx-size]": (
        "{path!r} 必须包含 {size:,} 字节，对应形状 {shape}（实际{got}）。请重新下载。[idx-size]"
    ),
    "{length:,} bytes, not 1 to 10,000 records of {record:,} bytes": (
        "共 {length:,} 字节，而不是 1 到 10,000 条各 {record:,} 字节的记录"
    ),
    "{path!r} is a damaged or truncated IDX file ({reason}). Download it again. [file-damaged]": (
        "{path!r} 是损坏或不完整的 IDX 文件（{reason}）。请重新下载。[file-damaged]"
    ),
    "the header ends after {length} bytes": "文件头在 {length} 字节后中断",
    "no {names}": "缺少 {names}",
    "{path!r} is not an IDX file of bytes with {axes} axes, by its header. Restore the original file. "
    "[idx-header]": ("根据文件头，{path!r} 不是有 {axes} 个轴的字节型 IDX 文件。请恢复原始文件。[idx-header]"),
    "Put the original file there.": "请放入原始文件。",
    "only {length:,}": "只有 {length:,} 字节",
    "more": "更多",
    "{name!r} with {size:,} bytes": "{name!r} 有 {size:,} 字节",
    "{dataset} needs its original files (no {name} in {folders}), and downloading failed from {failures}. "
    "Put {files} into {target}, or pass their folder as --data-dir or {variable}. [data-missing]": (
        "{dataset} 需要其原始文件（{folders} 中没有 {name}），且下载失败：{failures}。请将 {files} 放入 "
        "{target}，或通过 --data-dir 或 {variable} 指定其文件夹。[data-missing]"
    ),
    "no connection": "无法连接",
    "There is no folder for datasets (the home directory is unknown). Pass --data-dir or set {variable}. "
    "[data-missing]": (
        "没有存放数据集的文件夹（主目录未知）。请传入 --data-dir 或设置 {variable}。[data-missing]"
    ),
    "wrong checksum": "校验和不符",
    "HTTP status {status}": "HTTP 状态 {status}",
    "{path} cannot be written": "无法写入 {path}",
    "{dataset} needs its original files (no {name} in {folders}). Run `pip install pooch` to download "
    "them, put {files} into {target}, or pass their folder as --data-dir or {variable}. [data-missing]": (
        "{dataset} 需要其原始文件（{folders} 中没有 {name}）。请运行 `pip install pooch` 以便下载，或将 {files} "
        "放入 {target}，或通过 --data-dir 或 {variable} 指定其文件夹。[data-missing]"
    ),
    "{mirror} ({reason})": "{mirror}（{reason}）",
    "{one}, {two}": "{one}、{two}",
    "{path!r} is a damaged image file ({reason}). Repair or remove it, or pass --skip-corrupt (in Python "
    "skip_corrupt=True). [image-file]": (
        "{path!r} 是损坏的图像文件（{reason}）。请修复或删除它，或传入 --skip-corrupt（Python 中为 "
        "skip_corrupt=True）。[image-file]"
    ),
    "Images must be of one size (got {first} in {first_path!r} and {other} in {other_path!r}). Pass a size "
    "to resize them to. [image-sizes]": (
        "所有图像的大小必须相同（{first_path!r} 为 {first}，{other_path!r} 为 {other}）。请指定统一缩放的大小。"
        "[image-sizes]"
    ),
    "{folder!r} has no subfolders. Create a folder of images for each class. [folder-classes]": (
        "{folder!r} 中没有子文件夹。请为每个类别建立一个图像文件夹。[folder-classes]"
    ),
    "{folder!r} has no images in its class folders (no file ending in {suffixes}). Add images. [folder-empty]": (
        "{folder!r} 的类别文件夹中没有图像（没有以 {suffixes} 结尾的文件）。请添加图像。[folder-empty]"
    ),
    "{folder!r} has classes that the training part lacks: {unknown}. Name the folders as in training. "
    "[folder-unknown]": (
        "{folder!r} 含有训练部分没有的类别：{unknown}。请使用与训练时相同的文件夹名称。[folder-unknown]"
    ),
    "{path!r} is a damaged image file ({reason}), and {more} more cannot be read. Repair or remove them, "
    "or pass --skip-corrupt (in Python skip_corrupt=True). [image-file]": (
        "{path!r} 是损坏的图像文件（{reason}），另有 {more} 个文件无法读取。请修复或删除它们，或传入 "
        "--skip-corrupt（Python 中为 skip_corrupt=True）。[image-file]"
    ),
    "{folder!r} is not a readable folder ({reason}). Check the path. [folder-missing]": (
        "{folder!r} 不是可读的文件夹（{reason}）。请检查路径。[folder-missing]"
    ),
    "{folder!r} has no readable image (damaged: {damaged}). Download the images again. [folder-empty]": (
        "{folder!r} 中没有可读的图像（损坏 {damaged} 个）。请重新下载图像。[folder-empty]"
    ),
    "{path!r} has changed its size since the folder was loaded. Load the folder again. [image-sizes]": (
        "加载文件夹之后，{path!r} 的大小发生了变化。请重新加载文件夹。[image-sizes]"
    ),
    "checking images: {number:,} of {total:,}": "正在检查图像：{number:,} / {total:,}",
    "{setting} must be a known dataset, a folder of images per class, or an .npz file (got {got!r}). "
    "{hint} [data-name]": (
        "{setting} 必须是已知的数据集、按类别存放图像的文件夹或 .npz 文件（实际为 {got!r}）。{hint}[data-name]"
    ),
    "{setting} must be one of {known} (got {got!r}). [data-split]": (
        "{setting} 必须是 {known} 之一（实际为 {got!r}）。[data-split]"
    ),
    "{setting} must be from 0 to {most} (got {got!r}). It is the fraction of the training images to "
    "validate on. [data-option]": (
        "{setting} 必须在 0 到 {most} 之间（实际为 {got!r}）。它是用于验证的训练图像的比例。[data-option]"
    ),
    "{setting} must be one side or (h, w), each from 1 to 10,000 pixels (got {got!r}). Use for example 64. "
    "[data-option]": (
        "{setting} 必须是一个边长或 (h, w)，各为 1 到 10,000 像素（实际为 {got!r}）。例如使用 64。[data-option]"
    ),
    "{setting} must be 1 (gray) or 3 (color) (got {got!r}). [data-option]": (
        "{setting} 必须是 1（灰度）或 3（彩色）（实际为 {got!r}）。[data-option]"
    ),
    "{setting} must be a folder or an .npz file (got {got!r}). Write it with np.savez. [data-kind]": (
        "{setting} 必须是文件夹或 .npz 文件（实际为 {got!r}）。请用 np.savez 写入数据。[data-kind]"
    ),
    "{name!r} has no validation part, and hold_out is 0. Hold out some training images. [data-split]": (
        "{name!r} 没有验证部分，且 hold_out 为 0。请留出一部分训练图像。[data-split]"
    ),
    "Image files need a network with 1 or 3 input channels (got an input of {got}). Pass an array to "
    "Model.predict. [image-input]": (
        "图像文件要求网络的输入有 1 或 3 个通道（实际输入为 {got}）。请向 Model.predict 传入数组。[image-input]"
    ),
    "{name!r} has no test part. Add a folder test/ (or x_test and y_test), or evaluate on the validation "
    "part. [data-split]": (
        "{name!r} 没有测试部分。请添加 test/ 文件夹（或 x_test 和 y_test），或用验证部分评估。[data-split]"
    ),
    "{path!r} must contain arrays x and y, or x_train and y_train (and x_test, y_test) (got {names}). "
    "Write it with np.savez(path, x=images, y=labels). [npz-names]": (
        "{path!r} 必须包含数组 x 和 y，或 x_train 和 y_train（以及 x_test、y_test）（实际为 {names}）。请用 "
        "np.savez(path, x=images, y=labels) 写入。[npz-names]"
    ),
    "{name!r} in {path!r} must contain numbers or text (got objects, which could run code). Write it with "
    "np.savez. [npz-objects]": (
        "{path!r} 中的 {name!r} 必须是数值或文本（实际为对象，可能会运行代码）。请用 np.savez 写入。[npz-objects]"
    ),
    "{name!r} in {path!r} has an impossible shape (got {shape}). Write it with np.savez. [npz-file]": (
        "{path!r} 中的 {name!r} 的形状不合法（实际为 {shape}）。请用 np.savez 写入。[npz-file]"
    ),
    "{name!r} in {path!r} must contain at most {limit} GiB (got {length}). Use a folder of images. [npz-size]": (
        "{path!r} 中的 {name!r} 最多 {limit} GiB（实际为 {length}）。请改用图像文件夹。[npz-size]"
    ),
    "{name!r} in {path!r} has another length than its header says (got {got:,} bytes for {expected:,}). "
    "Write it with np.savez. [npz-file]": (
        "{path!r} 中的 {name!r} 的长度与文件头不符（实际为 {got:,} 字节，应为 {expected:,} 字节）。请用 "
        "np.savez 写入。[npz-file]"
    ),
    "{path!r} must contain at most {limit} GiB (got {size:,} bytes). Use a folder of images. [npz-size]": (
        "{path!r} 最多 {limit} GiB（实际为 {size:,} 字节）。请改用图像文件夹。[npz-size]"
    ),
    "Write it with np.savez, uncompressed.": "请用 np.savez 写入，不要压缩。",
    "{name!r} in {path!r} must have at most {limit:,} class names (got {got:,}). Write it with np.savez. "
    "[npz-size]": (
        "{path!r} 中的 {name!r} 最多含 {limit:,} 个类别名称（实际为 {got:,} 个）。请用 np.savez 写入。[npz-size]"
    ),
    "{path!r} is not a readable NumPy archive (.npz) ({reason}). Write it with np.savez. [npz-file]": (
        "{path!r} 不是可读的 NumPy 归档文件（.npz）（{reason}）。请用 np.savez 写入。[npz-file]"
    ),
    "{size:,} empty elements": "{size:,} 个空元素",
    "{name!r} in {path!r} is not a NumPy array. Write it with np.savez. [npz-file]": (
        "{path!r} 中的 {name!r} 不是 NumPy 数组。请用 np.savez 写入。[npz-file]"
    ),
    "far more": "远超此数",
    "Validation data must have images of every class (got none of {names}; {missing} of {classes} "
    "classes). Add at least one image of each, or leave the class out of training. [classes-missing]": (
        "验证数据必须包含每个类别的图像（缺少 {names}；{classes} 个类别中缺 {missing} 个）。请为每个类别至少添加"
        "一张图像，或在训练中去掉该类别。[classes-missing]"
    ),
    "A part of the data must have at least one image (got none). Hold out less. [data-empty]": (
        "每部分数据必须至少有一张图像（实际没有）。请减少留出的数据。[data-empty]"
    ),
    "an integer from 1 to 1000 (pixels)": "介于 1 到 1000 的整数（像素）",
    "a probability from 0 to 1": "介于 0 到 1 的概率",
    "a fraction of the side from 0 to 0.9": "边长的比例，介于 0 到 0.9",
    "a number from 0 to 180 (degrees)": "介于 0 到 180 的数（度）",
    "{setting} has an unknown transformation (got {got!r}). {hint} [augment-name]": (
        "{setting} 含有未知的变换（实际为 {got!r}）。{hint}[augment-name]"
    ),
    "{name} of {setting} must be {expected} (got {got!r}). Write for example {name}={usual:g}. "
    "[augment-strength]": (
        "{setting} 的 {name} 必须是{expected}（实际为 {got!r}）。例如写作 {name}={usual:g}。[augment-strength]"
    ),
    "Cannot convert images from {before} to {after} channels. Only 3 to 1 (gray) and 1 to 3 are supported: "
    "convert the images first. [fit-channels]": (
        "无法把图像从 {before} 个通道转换为 {after} 个通道。只支持 3 转 1（灰度）和 1 转 3：请先转换图像。"
        "[fit-channels]"
    ),
    "The data has classes that the model was not trained on: {unknown} (it knows {known}). Rename them as "
    "in training, or remove them. [classes-unknown]": (
        "数据含有模型训练时没有的类别：{unknown}（模型的类别为 {known}）。请按训练时的名称重命名，或删除它们。"
        "[classes-unknown]"
    ),
    "{path!r} must have the name of every class, one per line or as a JSON list (got {reason}). [classes-file]": (
        "{path!r} 必须含有每个类别的名称，每行一个或为 JSON 列表（实际为{reason}）。[classes-file]"
    ),
    "no names": ("没有名称"),
    "no JSON list of texts": ("不是由文本组成的 JSON 列表"),
    "more than 16 MiB": ("超过 16 MiB"),
    "{setting} needs a network whose input is images (got an input of {shape}). Leave it out. [normalization]": (
        "{setting} 要求网络的输入是图像（实际输入为 {shape}）。请去掉它。[normalization]"
    ),
    "{setting} must have a mean and a deviation for each of the {channels} input channels (got {got}). "
    "Use one value for all, or another normalization. [normalization]": (
        "{setting} 必须为 {channels} 个输入通道各给一个均值和标准差（实际为 {got} 个）。请对所有通道用同"
        "一个值，或换一种归一化。[normalization]"
    ),
    "The images have {got} channels, but the normalization has {expected}. Convert the images. "
    "[normalization-channels]": (
        "图像有 {got} 个通道，而归一化有 {expected} 个。请转换图像。[normalization-channels]"
    ),
    "{setting} must be as many means as deviations, of 1e-6 to 1e6 (got mean={mean}, std={std}). Use "
    "imagenet, or one of each per channel. [normalization]": (
        "{setting} 的均值与标准差个数必须相同，取值在 1e-6 到 1e6 之间（实际为 mean={mean}，std={std}）。请用"
        " imagenet，或每个通道各给一个。[normalization]"
    ),
    "{setting} must be imagenet, or (mean, std) with one value per channel (got {got!r}). Example: "
    "((0.1307,), (0.3081,)). [normalization]": (
        "{setting} 必须是 imagenet，或每个通道一个值的 (mean, std)（实际为 {got!r}）。例如：("
        "(0.1307,), (0.3081,))。[normalization]"
    ),
}
