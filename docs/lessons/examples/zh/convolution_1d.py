"""5 个数与长度为 3 的核做卷积：计算图、反向传播，以及其中翻转的核。"""

from convscope import lab

steps = lab.correlation(x=[1, 2, -1, 3, 0], w=[2, -1, 1], b=1)
print(steps)

print("\n两种方法求得的 dx 相同：", (steps.grad_x == steps.flipped).all())
