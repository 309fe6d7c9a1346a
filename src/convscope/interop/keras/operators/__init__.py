"""Converters of Keras' layers and functions, one module per family of layers."""
