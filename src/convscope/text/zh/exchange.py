"""Chinese texts of import and export."""

MESSAGES = {
    "to_onnx.model must be a Model (got {got}). Use convscope.Model(network) for one with fresh weights. "
    "[onnx-model]": (
        "to_onnx.model 必须是 Model（实际为 {got}）。可用 convscope.Model(network) 得到一个权重为初始值的模型。"
        "[onnx-model]"
    ),
    "{source!r} has no weights, only a structure. Pass the folder of a run, a .safetensors file saved by convscope, "
    "or an .onnx file. [no-weights]": (
        "{source!r} 只有结构，没有权重。请给出运行的文件夹、convscope 保存的 .safetensors 文件或 .onnx 文件。"
        "[no-weights]"
    ),
}
