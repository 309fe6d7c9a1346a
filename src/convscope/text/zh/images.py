"""Messages of image files in Chinese."""

MESSAGES = {
    "a file open as text; open it in binary mode": "以文本方式打开的文件；请以二进制方式打开",
    "more than {limit} GiB": "超过 {limit} GiB",
    "{path!r} has more than {limit:,} pixels. Resize or remove it. [image-pixels]": (
        "{path!r} 超过 {limit:,} 像素。请缩小或删除它。[image-pixels]"
    ),
    "{path!r} is not an image file ({got}). Check the path. [image-missing]": (
        "{path!r} 不是图像文件（{got}）。请检查路径。[image-missing]"
    ),
    "unknown image format": "未知的图像格式",
    "{path!r} is a damaged image file ({reason}). Repair or replace it. [image-file]": (
        "{path!r} 是损坏的图像文件（{reason}）。请修复或替换它。[image-file]"
    ),
    "got a folder": "是一个文件夹",
    "no such file": "文件不存在",
    "gray levels from {low:g} to {high:g}, supported are 0 to 1, 255 or 65,535": (
        "灰度级为 {low:g} 到 {high:g}，只支持 0 到 1、255 或 65,535"
    ),
    "Reading image files needs Pillow": "读取图像文件需要 Pillow",
    "{stretched} of {images} images stretched to {after}, as the network receives them: {names}": (
        "{images} 张图像中有 {stretched} 张被拉伸为网络接收的 {after}：{names}"
    ),
    "{path}: {before} stretched to {after}, as the network receives it": (
        "{path}：{before} 被拉伸为网络接收的 {after}"
    ),
    "Images need a network with an input c×h×w of at most {limit:,} pixels (got {got}). Choose a network "
    "for images. [image-shape]": (
        "图像要求网络的输入为 c×h×w，且不超过 {limit:,} 像素（实际为 {got}）。请选择处理图像的网络。[image-shape]"
    ),
}
