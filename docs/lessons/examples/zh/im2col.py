"""用一次矩阵乘法完成卷积：每个窗口展开成一列。"""

import numpy as np

from convscope import lab

# 4×4 的输入，3 个通道，一个 2×2 的核。
print(lab.matrix_product())

# AlexNet 的第一层，使用真实尺寸。
alexnet = lab.matrix_product(np.zeros((3, 227, 227)), np.zeros((96, 3, 11, 11)), stride=4)
print(
    "\nAlexNet 的 conv1：W_col",
    alexnet.w_col.shape,
    "乘以 X_col",
    alexnet.x_col.shape,
    "得",
    alexnet.product.shape,
)
print("还原成特征图：", alexnet.output.shape)
