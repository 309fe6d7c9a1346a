"""What several kernels are made of.

| file | has |
|---|---|
| `gemm_tile.py` | a small matrix product in registers, which most others are loops around |
| `shapes.py` | the sizes of convolutions and poolings |
| `channel_kernel.py`, `flat_kernel.py` | kernels that treat every channel by itself; kernels over flat arrays |
| `sweeps.py`, `pieces.py` | loops over memory, and flat arrays cut for threads |
| `summing.py`, `transposing.py` | sums of vectors, squares turned over in registers |
| `elementary.py`, `polynomial.py` | exponentials and their kin, by polynomials |
"""
