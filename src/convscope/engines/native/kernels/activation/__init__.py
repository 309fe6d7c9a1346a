"""Activation functions.

| file | has |
|---|---|
| `pointwise.py`, `prelu.py` | kernels over blocked pictures, and their gradients |
| `functions.py` | the formulas, for one vector |
| `epilogue.py` | a function as another kernel's last step |
| `softmax.py` | softmax, alone and with the cross-entropy |
"""
