"""Train a model on data: the loop and what it needs."""
