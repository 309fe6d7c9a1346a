"""Converters of ONNX's operators, one module per family of layers."""
