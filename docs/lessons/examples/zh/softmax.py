"""Softmax：分数变成概率，每个概率都取决于每个分数。"""

from convscope import lab

print(lab.softmax_table([2, 1, -1]))

# 只有分数之差起作用：分数再大，例如上千，也不会溢出。
print("\n三个分数都是 1000：", *lab.softmax_table([1000, 1000, 1000]).probabilities.round(4))
