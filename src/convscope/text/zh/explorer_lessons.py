"""Chinese messages of the lessons and the landing of the explorer."""

MESSAGES = {
    "A lesson has at most {most:,} bytes. Make several lessons of it.": (
        "一门课程最多 {most:,} 字节。请分成几门课程。"
    ),
    "A lesson has at most {most} steps (got {got}).": ("一门课程最多 {most} 步（得到 {got} 步）。"),
    "A question has 2 to {most} choices (got {got}).": ("一个问题有 2 到 {most} 个选项（得到 {got} 个）。"),
    "An answer needs a question. Add a line: question: …": ("有答案就要有问题。请加上一行：question: …"),
    "An index is written as 0,2,3": ("下标写作 0,2,3"),
    "Before the first step there are only the title (# Title) and a line about: …": (
        "第一步之前只能有标题（# 标题）和一行 about: …"
    ),
    "Its result is not finite.": ("结果不是有限的数。"),
    "Only numbers can be combined.": ("只有数可以运算。"),
    "The answer is {answer}, which must be exactly one of the choices. [lesson-answer]": (
        "答案是 {answer}，它必须恰好是选项之一。[lesson-answer]"
    ),
    "The answer {answer!r} is a text. Add choices, or ask for a number. [lesson-answer]": (
        "答案 {answer!r} 是文字。请添加选项，或改为询问一个数。[lesson-answer]"
    ),
    "The exponent is too large.": ("指数太大。"),
    "The file is not UTF-8 text. Save it as UTF-8.": ("文件不是 UTF-8 文本。请保存为 UTF-8。"),
    "The image has more than {most:,} values.": ("图像的值超过 {most:,} 个。"),
    "The input is no layer. Name a layer after it.": ("输入不是层。请写出它之后的某一层。"),
    "The layer has no such axis.": ("该层没有这个轴。"),
    "The layer has no weights.": ("该层没有权重。"),
    "The lesson has no steps. Begin each step with a line such as: ## Title": (
        "课程没有步骤。每一步都以这样的一行开头：## 标题"
    ),
    "The lesson has no title. Begin the file with a line such as: # Title": (
        "课程没有标题。文件应以这样的一行开头：# 标题"
    ),
    "The lesson {path} cannot be read ({reason}). Check the path. [lesson-missing]": (
        "无法读取课程 {path}（{reason}）。请检查路径。[lesson-missing]"
    ),
    "The line right: must repeat one of the choices, in place of answer:": (
        "right: 一行必须重复某个选项，并代替 answer:"
    ),
    "The network has no layer {layer!r}. {hint}": ("网络中没有 {layer!r} 层。{hint}"),
    "The network has no parameter {name!r}. It has {known}. [lesson-parameter]": (
        "网络没有参数 {name!r}。可用的有 {known}。[lesson-parameter]"
    ),
    "The network has no values, as it cannot be run.": ("该网络无法运行，因此没有值。"),
    "The parameter has more than {most:,} values.": ("该参数的值超过 {most:,} 个。"),
    "The question has no answer. Add answer: EXPRESSION, or right: CHOICE": (
        "问题没有答案。请加上 answer: 表达式，或 right: 选项"
    ),
    "The rows of the image differ in length. Write rows apart by ; and channels apart by |": (
        "图像各行的长度不同。行与行用 ; 隔开，通道与通道用 | 隔开"
    ),
    "The step has two lines {name!r}. Leave one out.": ("这一步有两行 {name!r}。请去掉一行。"),
    "The unit is outside the layer ({shape}).": ("该单元超出了这一层的范围（{shape}）。"),
    "There is no key line {name!r}. {hint}": ("没有关键字行 {name!r}。{hint}"),
    "There is no lesson {name!r}. Choose one of the list. [lesson-name]": (
        "没有课程 {name!r}。请从列表中选择。[lesson-name]"
    ),
    "There is no quantity {name!r}. {hint}": ("没有量 {name!r}。{hint}"),
    "Write a quantity with its layer, such as: size conv1": ("请写出量及其所在的层，例如：size conv1"),
    "Write it as: {form}": ("请写作：{form}"),
    "Write set: NAME VALUES, for example: set: conv1.bias 0 1": ("请写作 set: 名称 值，例如：set: conv1.bias 0 1"),
    "{expression!r} has no value. {hint} [lesson-expression]": (
        "{expression!r} 没有值。{hint} [lesson-expression]"
    ),
    "{file}, line {line}: {reason} [lesson-form]": ("{file} 第 {line} 行：{reason} [lesson-form]"),
    "{file}, line {line}: {reason} [lesson-question]": ("{file} 第 {line} 行：{reason} [lesson-question]"),
    "{file}, line {line}: this step cannot be shown. [lesson-step]\n{reason}": (
        "{file} 第 {line} 行：无法显示这一步。[lesson-step]\n{reason}"
    ),
    "{file}, line {line}: {reason} [lesson-value]": ("{file} 第 {line} 行：{reason} [lesson-value]"),
    "{first} and {second} differ in step {number}: model, image, set, page and the answers must be the same in both. [lesson-languages]": (
        "{first} 与 {second} 的第 {number} 步不一致：两者的 model、image、set、page 和答案必须相同。[lesson-languages]"
    ),
    "{got!r} is not a number.": ("{got!r} 不是数。"),
    "{got!r} is not a number. Write numbers as 1, -2.5 or 1e-3.": ("{got!r} 不是数。数写作 1、-2.5 或 1e-3。"),
    "{name} has no convolution. Open a network that has one. [no-beam]": (
        "{name} 没有卷积层。请打开一个有卷积层的网络。[no-beam]"
    ),
    "{name} has {expected} values (got {got}). [lesson-parameter]": (
        "{name} 有 {expected} 个值（得到 {got} 个）。[lesson-parameter]"
    ),
}
