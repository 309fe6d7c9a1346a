"""激活函数：函数值、导数，以及在哪里学不到东西。"""

from convscope import lab

table = lab.activation_table([-1e4, -2.5, -1, 0, 1, 2.5, 1e4])
print(table)

# sigmoid 的导数最大只有 1/4：经过四层 sigmoid，梯度至多剩下原来的 1/256。
print("\nsigmoid 导数的最大值：", table["Sigmoid"].derivatives.max())

# ReLU 逐元素计算：−2.5 变成 0，该处的导数也是 0。
print("ReLU 在 −2.5 处的值：", table["ReLU"].values[1])
