"""From PyTorch's functions to layers, one file per family."""
