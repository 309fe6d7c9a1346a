"""Implementation of convolution and pooling with plain loops, as in a textbook.

Slow by design. Tests compare it with the vectorized implementation in `im2col`.
"""
