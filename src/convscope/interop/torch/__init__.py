"""Conversion from and to PyTorch modules."""
