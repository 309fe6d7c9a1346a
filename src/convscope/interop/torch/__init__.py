"""PyTorch: modules in, modules out."""
