"""The smallest whole network, forward: 8×8 pixels, two kernels, one hidden layer, two outputs, every value."""

from convscope import lab

steps = lab.walk("seed-8x8")
print(steps)

print("\nThe two outputs are probabilities:", *steps.output.round(4), "together", steps.output.sum().round(4))
