"""Networks from other frameworks' files and modules, and to them: `torch/` PyTorch, `onnx/` ONNX files."""
