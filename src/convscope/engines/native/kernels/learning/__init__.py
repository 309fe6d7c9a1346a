"""What training needs beside the layers.

| file | has |
|---|---|
| `reductions.py` | sums over the batch and over positions |
| `optimizers.py` | updates of all parameters, and their gradient's norm |
| `dropout.py`, `philox.py` | dropout, by random bits from a counter |
"""
