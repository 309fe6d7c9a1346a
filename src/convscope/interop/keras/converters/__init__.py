"""From Keras' layers and functions to layers here, one file per family.

| file | what |
|---|---|
| `activation.py` | activation functions and layers |
| `arithmetic.py` | `keras.ops` of numbers: add, multiply, sqrt, … |
| `attention.py` | attention |
| `convolution.py` | convolution, transposed, depthwise, separable |
| `cutting.py` | borders, crops, slices |
| `dense.py` | Dense, EinsumDense, Embedding |
| `merging.py` | Add, Concatenate, … |
| `normalization.py` | BatchNormalization and its kin |
| `pooling.py` | pooling of every kind and rank |
| `preprocessing.py` | Rescaling, Normalization |
| `products.py` | Dot, matmul |
| `rearrange.py` | Flatten, Reshape, Permute, and their functions |
| `recurrent.py` | LSTM, Bidirectional |
| `reduction.py` | mean, sum, max, min |
| `repeating.py` | tile, repeat, broadcast_to, take |
| `resize.py` | UpSampling, Resizing |
| `special.py` | Dropout, Identity, and what does nothing at inference |
"""
