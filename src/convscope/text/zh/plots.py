"""Messages of figures in Chinese."""

MESSAGES = {
    "{setting} must be an elementwise activation function (got {got!r}). {hint} [activation-name]": (
        "{setting} 必须是逐元素的激活函数（实际为 {got!r}）。{hint}[activation-name]"
    ),
    "{activation} has no setting {name!r} (got {name}={got!r}). {hint} [activation-setting]": (
        "{activation} 没有设置 {name!r}（实际为 {name}={got!r}）。{hint}[activation-setting]"
    ),
    "Use {names}.": "请使用 {names}。",
    "The run has no complete epoch to draw. Resume it with `convscope train --resume`. [no-epochs]": (
        "这次训练没有完整的轮次可供绘制。请用 `convscope train --resume` 继续训练。[no-epochs]"
    ),
    "{setting} must have 1 to {most} kernels (got {got}). [maps-kernels]": (
        "{setting} 必须含 1 到 {most} 个卷积核（实际为 {got} 个）。[maps-kernels]"
    ),
    "image must be h×w×3 or h×w×1 (got image={shape}). Read it with load_image. [maps-image]": (
        "image 必须是 h×w×3 或 h×w×1（实际为 image={shape}）。请用 load_image 读取。[maps-image]"
    ),
    "{network} has no feature maps: no layer's output has channels, rows and columns. [no-maps]": (
        "{network} 没有特征图：没有一层的输出具有通道、行和列。[no-maps]"
    ),
    "{layer!r} has no feature maps: its output {shape} has no rows and columns. Choose a layer before the "
    "flattening. [no-maps]": ("{layer!r} 没有特征图：其输出 {shape} 没有行和列。请选择展平之前的层。[no-maps]"),
    "The network has only an input, so there is no receptive field to draw. Add layers. [field-growth]": (
        "网络只有输入，没有感受野可供绘制。请添加层。[field-growth]"
    ),
    "{layer!r} is not a two-dimensional convolution, so it has no kernels to draw. {hint} [no-kernels]": (
        "{layer!r} 不是二维卷积，没有卷积核可供绘制。{hint}[no-kernels]"
    ),
    "{network} has no two-dimensional convolution, so it has no kernels to draw. [no-kernels]": (
        "{network} 没有二维卷积，没有卷积核可供绘制。[no-kernels]"
    ),
    "The image must have the size of the input that the region is on (got image={image}, "
    "input={expected}). Resize it with load_image. [region-image]": (
        "图像的大小必须与区域所在的输入相同（实际为 image={image}，input={expected}）。请用 load_image 缩放。"
        "[region-image]"
    ),
    '{setting} must be "en" or "zh" (got {got!r}). [figure-language]': (
        '{setting} 必须是 "en" 或 "zh"（实际为 {got!r}）。[figure-language]'
    ),
    "convscope: no font with Chinese characters is installed, so figures are labeled in English. Install "
    "one, such as Noto Sans CJK SC.": (
        "convscope: 没有安装中文字体，因此图中文字为英文。请安装一种，例如 Noto Sans CJK SC。"
    ),
    "A figure's file must end in .png or .svg (got {path!r}). [figure-ending]": (
        "图像文件名必须以 .png 或 .svg 结尾（实际为 {path!r}）。[figure-ending]"
    ),
    "Figures need matplotlib": "绘图需要 matplotlib",
    "Only units of feature maps that see an image can be drawn (got units on {shape}). Ask without --save. "
    "[units-image]": (
        "只能绘制特征图中能看到图像的单元（实际单元在 {shape} 上）。请不带 --save 查询。[units-image]"
    ),
}
