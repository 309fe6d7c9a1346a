"""Max pooling, window by window: without overlap, then with a stride of 1."""

from convscope import lab

feature_map = [[1, 3, 2, 4], [3, 5, 4, 6], [2, 5, 6, 7], [4, 7, 6, 8]]

print(lab.max_pooling(feature_map, kernel_size=2, stride=2))

overlapping = lab.max_pooling(feature_map, kernel_size=2, stride=1)
print("\nWith stride 1 the windows overlap, and the output is larger:")
print(overlapping.output)
