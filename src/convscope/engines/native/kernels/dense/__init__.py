"""Dense layers: kernels in `product.py`, products of rows and weight blocks in `rows.py`."""
