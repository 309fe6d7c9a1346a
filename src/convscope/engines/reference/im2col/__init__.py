"""Vectorized implementation of windowed layers: im2col and one matrix product, on strided views."""
