"""Normalization: `batch_norm.py`, `batch_norm_gradient.py`, `group_norm.py`, `layer_norm.py`, both ways each."""
