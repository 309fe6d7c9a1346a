"""A convolution of 5 values with a kernel of 3: its graph, its backward pass, and the flipped kernel in it."""

from convscope import lab

steps = lab.correlation(x=[1, 2, -1, 3, 0], w=[2, -1, 1], b=1)
print(steps)

print("\nboth ways to dx match:", (steps.grad_x == steps.flipped).all())
