"""最小的完整网络的前向传播：8×8 像素，两个卷积核，一个隐藏层，两个输出，列出每一个数。"""

from convscope import lab

steps = lab.walk("seed-8x8")
print(steps)

print("\n两个输出是概率：", *steps.output.round(4), "其和为", steps.output.sum().round(4))
