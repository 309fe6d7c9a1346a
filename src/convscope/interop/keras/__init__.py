"""Keras: models in."""
