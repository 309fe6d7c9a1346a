"""Kernels of training: optimizer steps, reductions and dropout."""
