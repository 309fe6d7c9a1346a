"""Softmax: scores become probabilities, and every probability depends on every score."""

from convscope import lab

print(lab.softmax_table([2, 1, -1]))

# Only differences count: scores of a thousand do not overflow.
print("\nequal scores of 1000:", *lab.softmax_table([1000, 1000, 1000]).probabilities.round(4))
