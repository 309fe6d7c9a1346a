"""Converters of PyTorch's functions, one module per family of layers."""
