"""The kernels, each a frozen value that writes its own code; a folder for each family.

| folder | holds |
|---|---|
| `convolution/` | direct convolution, its input gradient, the gradient of its weights |
| `winograd/` | 3×3 convolution with fewer multiplications |
| `depthwise/` | convolution with a kernel for each channel |
| `dense/` | dense layers and their gradients |
| `normalisation/` | batch, group and layer normalisation |
| `pooling/` | maximum, average and adaptive pooling |
| `activation/` | activation functions, alone and as another kernel's last step; softmax and cross-entropy |
| `joining/` | sums and products of branches, channels put together and apart, pictures moved and packed |
| `learning/` | sums over the batch, updates of the parameters, dropout |
| `parts/` | what several of them are made of: the tile of sums in registers, loops over memory, exponentials |
"""
