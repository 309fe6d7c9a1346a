"""From PyTorch's functions to layers, one file per family.

| file | functions |
|---|---|
| `registry.py` | who converts what; loads the others |
| `convolution.py` | convolutions, linear, embedding |
| `pooling.py` | max, average, LP and adaptive pooling |
| `normalization.py` | batch, group, instance, layer, local-response normalisation |
| `activation.py` | activations, softmax, dropout |
| `arithmetic.py` | sums, products, functions of one number, comparisons with constants |
| `reduction.py` | mean, sum, largest, smallest over axes |
| `products.py` | matrix products, einsum, attention |
| `rearrange.py` | reshape, permute, pad, shuffle, resize |
| `indexing.py` | slices, splits, concatenation, roll, repeat |
| `patches.py` | windows laid side by side, and put back |
| `recurrent.py` | LSTM |
"""
