"""Chinese texts of tables, reports and figures in characters."""

MESSAGES = {
    # Effective receptive fields
    "{network}: the effective field of unit {position} of {layer}": (
        "{network}：{layer} 中单元 {position} 的有效感受野"
    ),
    "can see": "理论感受野",
    "{size} pixels": "{size} 像素",
    "{size} pixels, {inside} of them in the image": "{size} 像素，其中 {inside} 在图像内",
    "influence": "影响",
    "none: the gradient is 0 for every image (dead units)": "无：对所有图像梯度均为 0（失活单元）",
    "{share} of the influence": "影响的 {share}",
    "within {size} pixels": "集中于 {size} 像素之内",
    "{count} random images": "{count} 张随机图像",
    "{count} images of the folder": "文件夹中的 {count} 张图像",
    "measured with": "测量所用",
    "random, drawn for every few images": "随机，每几张图像重新抽取",
    "the model's own": "模型自身的权重",
    # Networks, layers and their costs
    "{network}: {inputs}, {count:,} layer(s)": "{network}：{inputs}，{count:,} 层",
    "{shape}, {macs:,} MACs": "{shape}，{macs:,} MACs",
    "{shape}, {count:,} parameter(s)": "{shape}，{count:,} 个参数",
    "{shape}, {count:,} parameter(s), {macs:,} MACs": "{shape}，{count:,} 个参数，{macs:,} MACs",
    "layer": "层",
    "kind": "类型",
    "from": "来源",
    "params": "参数",
    "multiplications": "乘法",
    "additions": "加法",
    "comparisons": "比较",
    "divisions": "除法",
    "exponentials": "指数",
    "memory": "内存",
    "receptive field": "感受野",
    "size": "大小",
    "field": "感受野",
    "stride": "步长",
    "start": "起点",
    "through": "经由",
    "total": "合计",
    "shared": "共享",
    "memory: {parameters} of parameters; peak activation memory: {inference} (inference), {training} (training); "
    "float32, per image.": (
        "内存：参数占 {parameters}；激活内存峰值：推理 {inference}，训练 {training}；按 float32、每张图像计。"
    ),
    "memory: at least {parameters} of parameters; peak activation memory: {inference} (inference), {training} "
    "(training); float32, per image.": (
        "内存：参数至少占 {parameters}；激活内存峰值：推理 {inference}，训练 {training}；按 float32、每张图像计。"
    ),
    "parameters: {trainable:,} trainable, {frozen:,} frozen.": (
        "参数：可训练 {trainable:,} 个，冻结 {frozen:,} 个。"
    ),
    "shared: the parameters of another layer, counted there.": "共享：使用另一层的参数，计入那一层。",
    "≥ lower bound; ? unknown: the totals exclude unsupported operators ({layers}).": (
        "≥ 表示下界；? 表示未知：合计不含不支持的算子（{layers}）。"
    ),
    "MACs: multiply-adds of convolutions, dense layers and matrix products, per image": (
        "MACs：卷积、全连接层和矩阵乘法的乘加次数，按每张图像计"
    ),
    "receptive field: input pixels seen by one unit": "感受野：一个单元所看到的输入像素",
    "/n stride in input pixels": "/n 为以输入像素计的步长",
    "@c center of the first unit (the first pixel's center is 0.5)": (
        "@c 为第一个单元的中心（第一个像素的中心是 0.5）"
    ),
    # Receptive fields
    "all": "全部",
    "∪ union: paths with different receptive fields meet; the size covers all of them.": (
        "∪ 并集：感受野不同的路径在此汇合；大小覆盖所有路径。"
    ),
    "{layer} by {offset} px": "{layer}（相差 {offset} 像素）",
    "≠ misaligned: paths whose centers differ meet in {layers}.": "≠ 未对齐：中心不同的路径在 {layers} 汇合。",
    "≤ varying: units differ; size is the largest, stride the mean, start that of the first unit.": (
        "≤ 不定：各单元不同；大小取最大值，步长取平均值，起点取第一个单元的值。"
    ),
    "all: every unit sees every pixel, through {layers}.": "全部：每个单元都通过 {layers} 看到所有像素。",
    "+ a side path also sees every pixel, through {layers}.": "+ 另有一条旁路通过 {layers} 看到所有像素。",
    "? unknown: positions cannot be traced through {layers}.": "? 未知：位置无法穿过 {layers} 追溯。",
    "none: no pixel of the (first) input is seen.": "无：看不到（第一个）输入的任何像素。",
    "{network}: unit {position} of {layer} sees {size} pixels of {origin}": (
        "{network}：{layer} 的单元 {position} 看到 {origin} 的 {size} 个像素"
    ),
    "{network}: unit {position} of {origin} is seen by {seen} units of {layer}": (
        "{network}：{origin} 的单元 {position} 被 {layer} 的 {seen} 个单元看到"
    ),
    "{network}: pixel {position} of {origin} is seen by {seen} units of {layer}": (
        "{network}：{origin} 的像素 {position} 被 {layer} 的 {seen} 个单元看到"
    ),
    "box": "区域",
    "in the image": "图像内",
    "center": "中心",
    "padding": "填充",
    "coverage": "覆盖",
    "status": "状态",
    "{share} of the box": "占区域的 {share}",
    "{share} of the box in the image": "占图像内区域的 {share}",
    "positions {positions}": "位置 {positions}",
    "rows {rows}, columns {columns}": "行 {rows}，列 {columns}",
    "slices {slices}, rows {rows}, columns {columns}": "层面 {slices}，行 {rows}，列 {columns}",
    "axis {axis} {slice}": "轴 {axis}：{slice}",
    "exact": "精确",
    "exact: the hull of paths with different extents": "精确：范围不同的各路径的外包",
    "exact: the hull of paths whose centers differ": "精确：中心不同的各路径的外包",
    "exact: the region's size differs between units of this layer": "精确：本层各单元的区域大小不同",
    "global: every unit sees every pixel, through {layer}": "全局：每个单元都通过 {layer} 看到所有像素",
    "{status}; a side path also sees every pixel, through {layer}": (
        "{status}；另有一条旁路通过 {layer} 看到所有像素"
    ),
    "units": "单元",
    "{seen} of {total}, in every channel": "{total} 个中的 {seen} 个，每个通道都一样",
    "empty: no unit sees it": "空：没有单元看到它",
    "local": "局部",
    "{seen} of them through local paths: {box}": "其中 {seen} 个通过局部路径：{box}",
    "global": "全局",
    "the others only through the global path, {layer}": "其余只通过全局路径 {layer}",
    "seen": "看到",
    "partly seen": "部分看到",
    "seen only through the global path": "只通过全局路径看到",
    "not seen": "未看到",
    "one character is {rows}×{columns} pixels": "一个字符为 {rows}×{columns} 像素",
    # Comparisons
    "{a} → {b}: layers: {same} same, {changed} changed, {added} added, {removed} removed": (
        "{a} → {b}：{same} 层相同，{changed} 层改变，{added} 层新增，{removed} 层删除"
    ),
    "activations of all layers": "所有层的激活",
    "peak activation memory (inference)": "激活内存峰值（推理）",
    "peak activation memory (training)": "激活内存峰值（训练）",
    "parameter memory": "参数内存",
    "difference": "差",
    "ratio": "比值",
    "≥ the totals of {network} are lower bounds: it has unsupported operators.": (
        "≥ {network} 的合计是下界：其中有不支持的算子。"
    ),
    "{network}, counted by {tool} {version}": "{network}，按 {tool} {version} 计数",
    "our MACs": "本工具 MACs",
    "why": "原因",
    "{letter}: {reason}": "{letter}：{reason}",
    "parameters counted by {tool}: {params:,}": "{tool} 统计的参数：{params:,}",
    # Findings and limits
    "{network}: {inputs}, {count:,} finding(s)": "{network}：{inputs}，发现 {count:,} 个问题",
    "{network}: {inputs}, no findings": "{network}：{inputs}，未发现问题",
    "{run}: training, {count:,} finding(s)": "{run}：训练，发现 {count:,} 个问题",
    "{run}: training, no findings": "{run}：训练，未发现问题",
    "risk": "风险",
    "waste": "浪费",
    "note": "提示",
    "{network}: {inputs}, {exceeded} of {limits} limits exceeded": (
        "{network}：{inputs}，{limits} 项限制中有 {exceeded} 项超出"
    ),
    "{network}: {inputs}, within all limits": "{network}：{inputs}，未超出任何限制",
    " ({spare} to spare)": "（余量 {spare}）",
    " ({spare:,} to spare, {share})": "（余量 {spare:,}，{share}）",
    # Training, evaluation, prediction
    "best": "最佳",
    "epoch": "轮次",
    "learning rate": "学习率",
    "training": "训练",
    "validation": "验证",
    "accuracy": "准确率",
    "best: epoch {epoch} of {epochs}, loss {loss}, accuracy {accuracy}": (
        "最佳：第 {epoch} 轮（共 {epochs} 轮），损失 {loss}，准确率 {accuracy}"
    ),
    "best: epoch {epoch} of {epochs}, validation loss {loss}, accuracy {accuracy}": (
        "最佳：第 {epoch} 轮（共 {epochs} 轮），验证损失 {loss}，准确率 {accuracy}"
    ),
    "loss {loss}, accuracy {accuracy}: {correct:,} of {images:,} images correct, {count:,} error(s)": (
        "损失 {loss}，准确率 {accuracy}：{images:,} 张图像中 {correct:,} 张正确，{count:,} 张错误"
    ),
    "class": "类别",
    "images": "图像",
    "correct": "正确",
    "no images": "无图像",
    "most often confused with": "最常误判为",
    "confusion: rows: true class, columns: predicted class": "混淆矩阵：行为真实类别，列为预测类别",
    "confusion: the {shown} most frequent of {kinds} confusions; --csv prints the whole matrix": (
        "混淆：{kinds} 种误判中最常见的 {shown} 种；--csv 输出整个矩阵"
    ),
    "predicted": "预测",
    "output {index}": "输出 {index}",
    "output {shape}: minimum {minimum}, mean {mean}, maximum {maximum}": (
        "输出 {shape}：最小值 {minimum}，平均值 {mean}，最大值 {maximum}"
    ),
    # Plans of the engine
    "{cpu} tuned for {tuning}, vectors of {width} floats, {registers} registers": (
        "{cpu}，针对 {tuning} 优化，每个向量 {width} 个浮点数，{registers} 个寄存器"
    ),
    "step": "步骤",
    "kernel": "内核",
    "{plan}, batch {batch}: {target}": "{plan}，批量 {batch}：{target}",
    "{plan}: {target}": "{plan}：{target}",
    "update": "更新",
    "inference": "推理",
    "prepare, once": "准备，仅一次",
    "forward": "前向",
    "backward": "反向",
    "norm": "梯度范数",
    "weights": "权重",
    "input gradient": "输入梯度",
    "weight gradient": "权重梯度",
    "bias gradient": "偏置梯度",
    "forward and gradient": "前向与梯度",
    "sum of gradients": "梯度求和",
    "norm of the gradients": "梯度的范数",
    "· {section}": "· {section}",
    "{count:,} step(s)": "{count:,} 个步骤",
    "{purpose} + {layers}": "{purpose} + {layers}",
    "memory: read and written by the step. +: fused into the step. MACs: of direct convolution. {count:,} "
    "different kernel(s).": (
        "内存：该步骤读写的字节数。+：融合到该步骤中。MACs：按直接卷积计。共 {count:,} 种内核。"
    ),
    "activations: {allocated} allocated, {peak} in use at the peak, {unshared} without buffer sharing.": (
        "激活：已分配 {allocated}，峰值使用 {peak}，不共享缓冲区时为 {unshared}。"
    ),
    "persistent: {parts}.": "常驻：{parts}。",
    "{size} of {name}": "{name} {size}",
    "frozen parameters": "冻结参数",
    "gradients": "梯度",
    "optimizer state": "优化器状态",
    "running statistics": "滑动统计量",
    "on the reference implementation, in Python: {layers}.": "由 Python 参考实现执行：{layers}。",
    # Benchmarks and tuning
    "{cpu}; measured peak {peak:,.0f} GFLOP/s, memory bandwidth {bandwidth:,.0f} GB/s (copy)": (
        "{cpu}；实测峰值 {peak:,.0f} GFLOP/s，内存带宽 {bandwidth:,.0f} GB/s（复制）"
    ),
    "work": "任务",
    "ours": "本引擎",
    "fastest peer": "最快对手",
    "peer": "对手",
    "of peak": "占峰值",
    "geometric mean of the ratios: {mean:.2f}.": "比值的几何平均：{mean:.2f}。",
    "GFLOP/s are computed from the operation count of direct convolution, so Winograd convolutions can exceed "
    "100 % of peak.": "GFLOP/s 按直接卷积的运算次数计算，因此 Winograd 卷积可以超过峰值的 100 %。",
    "pass": "阶段",
    "chosen": "选用",
    "by heuristic": "启发式",
    "{changed} of {choices} choices differ from the heuristic's; all are cached.": (
        "{choices} 项选择中有 {changed} 项与启发式不同；全部已缓存。"
    ),
    "{network}: channels over {images:,} images of {data}, {count:,} finding(s)": (
        "{network}：{data} 的 {images:,} 张图像上的通道，{count:,} 项发现"
    ),
    "{network}: channels over {images:,} images of {data}, no findings": (
        "{network}：{data} 的 {images:,} 张图像上的通道，未发现问题"
    ),
}
