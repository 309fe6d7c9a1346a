"""The kernels, each a frozen value that writes its own code.

| files | hold |
|---|---|
| `gemm_tile.py` | the small matrix product in registers that most others are loops around |
| `shapes.py` | the sizes of convolutions and poolings |
| `convolution*.py`, `weights.py` | direct convolution and its input gradient; how weights lie and turn |
| `winograd/` | 3×3 convolution with fewer multiplications |
| `weight_gradient*.py`, `depthwise*.py` | weight gradients; one channel each |
| `dense*.py`, `softmax.py` | dense layers; softmax and cross-entropy |
| `normalisation*.py`, `group_norm.py`, `layer_norm.py`, `channel_kernel.py` | normalisation |
| `*pooling*.py`, `windows.py`, `spans.py` | pooling, and what its windows cover |
| `activation*.py`, `prelu.py`, `elementary.py`, `polynomial.py` | activation functions, exponentials |
| `merges.py`, `concatenation.py`, `resampling.py` | sums, products, joined and moved pictures |
| `reductions.py`, `summing.py`, `sweeps.py`, `pieces.py` | sums over the batch; loops over memory |
| `optimizers.py`, `dropout.py`, `philox.py` | updates; random numbers by counter |
| `packing.py`, `transposing.py` | pictures into blocks and back; squares turned in registers |
"""
