"""Texts that several families of layers use, in both languages."""

from __future__ import annotations

from .derivation import Text

# Titles, one per quantity.
OUTPUT_SHAPE = Text("Output size", "输出尺寸")
PARAMETERS = Text("Parameters", "参数量")
MACS = Text("Multiply-adds (MACs)", "乘加次数（MAC）")
MULTIPLICATIONS = Text("Multiplications", "乘法次数")
ADDITIONS = Text("Additions", "加法次数")
COMPARISONS = Text("Comparisons", "比较次数")
DIVISIONS = Text("Divisions", "除法次数")
EXPONENTIALS = Text("Exponentials", "指数运算次数")
OPERATIONS = Text("Operations", "运算量")
MEMORY = Text("Memory of the output", "输出占用的内存")

# Axes.
ROWS = Text("rows", "行方向")
COLUMNS = Text("columns", "列方向")
PLANES = Text("planes", "深度方向")
LENGTH = Text("positions", "长度方向")

# What symbols mean.
CHANNELS = Text("input channels", "输入通道数")
SIZE_OF = Text("input size ({axes})", "输入尺寸（{axes}）")
OUTPUTS = Text("elements of the output", "输出元素个数")
ELEMENTS = Text("elements", "元素个数")
RANGE = Text("from the shape", "由形状得到")
THE_SHAPE = Text("The shape of the output", "输出形状")

# Remarks.
SAME_SHAPE = Text("The layer works element by element: the shape does not change.", "逐元素运算，形状不变。")
NOTHING_LEARNED = Text("The layer has no learned parameters.", "该层没有可学习的参数。")
NO_ARITHMETIC = Text(
    "The layer only moves or keeps elements; it computes nothing.", "该层只搬移或保留元素，不做任何运算。"
)
FLOAT32 = Text("bytes of one element (float32)", "每个元素的字节数（float32）")
SHARED_MEMORY = Text(
    "The elements do not move: the output may share the input's memory.",
    "元素不必移动：输出可以与输入共用同一块内存。",
)
EXCLUDED = Text("The batch axis is omitted: all counts are per image.", "不计批量大小，所有数字均针对单张图像。")
