"""Activation functions: values, derivatives, and where they stop learning."""

from convscope import lab

table = lab.activation_table([-1e4, -2.5, -1, 0, 1, 2.5, 1e4])
print(table)

# A sigmoid's slope is at most 1/4: after four layers of them a gradient is at most 1/256 of what it was.
print("\nsteepest sigmoid:", table["Sigmoid"].derivatives.max())

# ReLU works on each element alone: −2.5 becomes 0, and so does its slope.
print("ReLU of −2.5:", table["ReLU"].values[1])
