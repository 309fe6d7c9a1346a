"""Conversion of Keras models."""
