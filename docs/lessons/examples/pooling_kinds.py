"""One window through every kind of pooling: what comes out, and where the gradient goes back."""

from convscope import lab

print(lab.pooling_table([[1, 3, 2], [3, 5, 4], [2, 5, 6]]))
