"""Convolution as one matrix product: every window becomes a column."""

import numpy as np

from convscope import lab

# 4×4 with 3 channels, one kernel of 2×2.
print(lab.matrix_product())

# The first layer of AlexNet, with its real sizes.
alexnet = lab.matrix_product(np.zeros((3, 227, 227)), np.zeros((96, 3, 11, 11)), stride=4)
print(
    "\nAlexNet, conv1: W_col", alexnet.w_col.shape, "times X_col", alexnet.x_col.shape, "is", alexnet.product.shape
)
print("reshaped:", alexnet.output.shape)
