"""The matrix twin: im2col and one matrix product, strided views, no Python loop over pixels."""
