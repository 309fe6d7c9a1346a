"""Conversion from and to other frameworks: PyTorch modules, Keras models and ONNX files."""
