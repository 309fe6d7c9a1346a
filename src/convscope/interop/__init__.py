"""Conversion from and to PyTorch modules, Keras models and ONNX files."""
