"""Texts that several derivations use, in English and Chinese: of layers, then of receptive fields."""

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

# Receptive fields.
FORWARD = Text("Receptive field, from the first layer to the last", "感受野：从第一层推到最后一层")
BACKWARD = Text("Receptive field, from the last layer to the first", "感受野：从最后一层推回第一层")
CENTER = Text("Center of a unit's field", "单元感受野的中心")
VARYING = Text(
    "Receptive field of one unit, from the layer back to the image", "单个单元的感受野：从该层逐层推回图像"
)
OWN_STEP = Text("Receptive field", "感受野")

PIXEL = Text(
    "The image: a pixel sees itself, and its neighbor is one pixel away",
    "输入图像：一个像素只看到自身，与相邻像素的间距为 1",
)
LAYER = Text("Layer {index}, {name}: kernel {k}, stride {s}", "第 {index} 层 {name}：核大小 {k}，步长 {s}")
LAYER_DILATION = Text(", dilation {d}", "，空洞率 {d}")
LAYER_PADDING = Text(", padding {p}", "，填充 {p}")
EFFECTIVE = Text("the dilated kernel spans", "空洞卷积核的等效大小")
SEEN = Text(
    "So a unit of {name} sees this many pixels of the image", "因此 {name} 的一个单元在输入图像上看到的像素数为"
)
ELEMENTWISE = Text(
    "{names}: these layers see one position only ($k = 1$, $s = 1$), so they change nothing.",
    "{names}：逐位置运算，相当于 $k = 1$、$s = 1$，不改变感受野。",
)
STRIDE_LATER = Text(
    "A layer's own stride does not widen its field: it sets the "
    "distance $j$ between neighbors, and so how much the "
    "layers after it gain.",
    "一层自身的步长不影响该层的感受野；它决定相邻单元的间距 $j$，从而影响其后各层感受野的增长。",
)
NO_STRIDE = Text(
    "All strides are 1, so every layer adds its kernel size less one.",
    "所有步长均为 1，因此每层使感受野增加“卷积核大小减一”。",
)
JOINED = Text(
    "{name} joins branches of sizes {sizes}; the union is the largest, that of {chosen}.",
    "{name} 汇合多个分支，其感受野分别为 {sizes}；取并集，以最大的 {chosen} 为准。",
)
JOINED_ALIKE = Text(
    "{name} joins {names}, which all see the same {size} pixels.",
    "{name} 汇合 {names}，各分支看到同样的 {size} 个像素。",
)
HULL = Text(
    "{name} joins {inputs}, whose fields lie at different positions: "
    "the union reaches from the first pixel to the last",
    "{name} 汇合 {inputs}，各分支的感受野位置不同：并集从最前的像素到最后的像素",
)
HULL_LOW = Text("where the first unit's union begins", "第一个单元并集的起点")
HULL_HIGH = Text("where it ends", "其终点")
HULL_CENTER = Text("{name}: the middle of the union", "{name}：并集的中点")
SIDE_PATH = Text(
    "Through {name} every unit also gains a global view of the image; the size here is that of the local path.",
    "经由 {name}，每个单元还得到整幅图像的全局信息；此处的大小只计局部路径。",
)
ONE_UNIT = Text("Start with one unit of the last layer", "从最后一层的一个单元开始")
AGREES = Text("On the image: the same as from first to last", "落到输入图像上，与从前往后的结果一致")
DIRECTION = Text(
    "$R_i$ counts positions at the input of layer $i$. This "
    "recurrence must run from the last layer to the first; "
    "in the other direction it gives a wrong result.",
    "$R_i$ 是在第 $i$ 层输入处所覆盖的位置数。该递推必须从最后一层推向第一层；若反方向使用，结果是错的。",
)
FIRST_PIXEL = Text("The center of the image's first pixel", "输入图像第一个像素的中心")
UNIT = Text("index of the unit, counted from 0", "单元的下标，从 0 开始")
CENTER_OF = Text(
    "The center of its field: the start, and one step for every unit before it",
    "其感受野的中心：起点加上前面各单元的间距",
)
START = Text(
    "The center counts from the image's corner, so that the "
    "first pixel's center is 0.5; the field reaches $r / 2$ "
    "to both sides of it and may extend past the edge.",
    "中心坐标从图像的角点算起，第一个像素的中心为 0.5；感受野向两侧各延伸 $r / 2$，可能超出图像边缘。",
)

IMAGE = Text("size of the image ({axes})", "图像尺寸（{axes}）")
WHOLE = Text("every unit sees all of it ({axes})", "每个单元都看到全部（{axes}）")
GLOBAL = Text(
    "In {name} every output is made from every position, so from there on each unit sees the whole image.",
    "在 {name} 中，每个输出都由全部位置算得，因此从该层起每个单元都看到整幅图像。",
)
LOST = Text(
    "After {name} the positions that a unit depends on are unknown, so its receptive field is unknown.",
    "{name} 之后，单元来自哪些位置已无从得知，因此感受野未知。",
)

LARGEST = Text("Largest field of any unit of {name}", "{name} 的各单元中最大的感受野")
NO_SINGLE = Text(
    "From {layer} on, the receptive field differs from unit to unit ({axes}), so no single derivation "
    "holds for every unit of "
    "{name}. One unit is derived instead.",
    "从 {layer} 起，各单元看到的范围不尽相同（{axes}），因此没有对 {name} 的所有单元都成立的单一推导。"
    "这里改为推导其中一个单元。",
)
DIFFERS = Text(
    "The receptive field of {name} differs from unit to unit, so one unit is derived as an example; the "
    "largest field of any unit is {size}.",
    "{name} 的各单元看到的范围不尽相同，这里以其中一个为例；各单元中最大的感受野为 {size}。",
)
FROM_UNIT = Text("The unit itself", "该单元自身")
BACK_WINDOW = Text(
    "Back through {name} (kernel {k}, stride {s}, padding {p})", "经 {name} 推回（核大小 {k}，步长 {s}，填充 {p}）"
)
BACK_TRANSPOSED = Text(
    "Back through {name} (transposed, kernel {k}, stride {s}, padding {p})",
    "经 {name} 推回（转置卷积，核大小 {k}，步长 {s}，填充 {p}）",
)
BACK_RESIZE = Text("Back through {name} (resized from {n} to {m})", "经 {name} 推回（由 {n} 缩放为 {m}）")
BACK_BINS = Text(
    "Back through {name} ({n} positions in {m} windows)", "经 {name} 推回（{n} 个位置分成 {m} 个窗口）"
)
BACK_LISTED = Text("Back through {name}: the positions it takes", "经 {name} 推回：所取的位置")
BACK_NOTHING = Text("Back through {name}: no position adds to it", "经 {name} 推回：没有任何位置参与")
BACK_WHOLE = Text("Back through {name}: all positions", "经 {name} 推回：全部位置")
FOLDED = Text(
    "Back through {name}: the position along this axis, $t = {inner}$ flat positions for each step",
    "经 {name} 推回：求该方向上的位置，每 $t = {inner}$ 个展平位置前进一步",
)
OTHER_PATHS = Text("Other paths reach further: the union of all", "其他路径看得更远：取全部路径的并集")
OVER_PATHS = Text("over all other paths", "其他所有路径")
EXTENT = Text("Pixels that the unit sees", "该单元看到的像素数")
CLIPPED = Text(
    "Positions before the first and after the last exist only as padding and are left out.",
    "首个位置之前与末个位置之后只是填充，不计入。",
)
IN_SIZE = Text("field of the layer before", "前一层的感受野")
IN_JUMP = Text("distance of its units in pixels", "前一层相邻单元的像素间距")
KEEPS = Text(
    "The layer sees one position only: its field is that of the layer before.",
    "该层逐位置运算，感受野与前一层相同。",
)
ASK = Text(
    "The field differs from unit to unit; the largest is {size}. "
    "Ask for this layer alone to see the derivation of one unit.",
    "各单元的感受野不尽相同，最大为 {size}。单独查询该层即可看到某个单元的推导。",
)
