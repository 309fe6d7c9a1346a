"""A convolution of 3×3 values with a kernel of 2×2, forward and backward."""

from convscope import lab

print(lab.correlation(x=[[1, 2, 3], [4, 5, 6], [7, 8, 9]], w=[[1, 0], [-1, 2]], b=0))
