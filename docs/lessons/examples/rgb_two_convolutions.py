"""A 4×4 color image through two convolutions: each channel separately, then the pixel-wise sum."""

from convscope import lab

steps = lab.two_convolutions()
print(steps)

# A kernel is as deep as its input has channels; there are as many maps as kernels.
first, second = steps.first.kernels, steps.second.kernels
print("\nkernels of the first layer: ", len(first), "of", first[0].kernel.shape)
print("kernels of the second layer:", len(second), "of", second[0].kernel.shape)
