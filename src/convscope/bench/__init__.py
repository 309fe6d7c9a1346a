"""This machine: the native engine beside PyTorch, both in one run on the same work."""
