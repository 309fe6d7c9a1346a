"""The kernels, each a frozen value that writes its own code; a folder for each family."""
