"""The kernels, each a frozen value that writes its own code."""
