"""逐窗口的最大池化：先看互不重叠的窗口，再看步长为 1 的情形。"""

from convscope import lab

feature_map = [[1, 3, 2, 4], [3, 5, 4, 6], [2, 5, 6, 7], [4, 7, 6, 8]]

print(lab.max_pooling(feature_map, kernel_size=2, stride=2))

overlapping = lab.max_pooling(feature_map, kernel_size=2, stride=1)
print("\n步长为 1 时窗口相互重叠，输出更大：")
print(overlapping.output)
