"""Normalization kernels, forward and backward: `batch_norm.py`, `group_norm.py`, `layer_norm.py`."""
