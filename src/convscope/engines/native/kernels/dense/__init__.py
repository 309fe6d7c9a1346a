"""Dense layers: `product.py` has the kernels, `rows.py` rows of numbers times blocks of weights."""
