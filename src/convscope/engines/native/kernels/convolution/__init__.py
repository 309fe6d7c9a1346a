"""Direct convolution.

| file | has |
|---|---|
| `direct.py` | the kernels: forward, input gradient, transposed convolution |
| `axes.py` | where they read, one axis at a time |
| `loops.py`, `block.py`, `tiles.py` | the loops around the tile in registers, the tile's code, how large it is |
| `weights.py` | how weights lie, and how they are turned |
| `weight_gradient.py`, `weight_gradient_tiles.py` | the gradient of the weights, and how it is cut |
"""
