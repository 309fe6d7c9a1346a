"""Chinese texts of import and export."""

MESSAGES = {
    "to_onnx.model must be a Model (got {got}). Use convscope.Model(network) for one with fresh weights. "
    "[onnx-model]": (
        "to_onnx.model 必须是 Model（实际为 {got}）。可用 convscope.Model(network) 得到一个权重为初始值的模型。"
        "[onnx-model]"
    ),
}
