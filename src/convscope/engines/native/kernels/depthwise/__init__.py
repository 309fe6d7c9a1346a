"""Depthwise convolution.

| file | has |
|---|---|
| `direct.py` | the kernels: forward, input gradient |
| `rows.py` | a row of either |
| `weight_gradient.py` | the gradient of the weights |
"""
