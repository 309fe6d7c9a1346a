"""4×4 的彩色图像经过两次卷积：各通道分别卷积，再逐像素求和。"""

from convscope import lab

steps = lab.two_convolutions()
print(steps)

# 核的深度等于输入的通道数；有多少个核，就有多少个特征图。
first, second = steps.first.kernels, steps.second.kernels
print("\n第一层的核：", len(first), "个，形状", first[0].kernel.shape)
print("第二层的核：", len(second), "个，形状", second[0].kernel.shape)
