"""The plain-loop twin: convolution and pooling as a textbook shows them, to be stepped through.

Slow by design. It computes what the matrix twin computes; the tests hold one against the other.
"""
