"""Networks from ONNX files, and to them."""
