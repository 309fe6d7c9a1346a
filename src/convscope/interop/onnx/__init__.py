"""Import and export of ONNX files."""
