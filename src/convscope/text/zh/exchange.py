"""Chinese texts of import and export."""

MESSAGES = {
    "to_onnx.model must be a Model (got {got}). Use convscope.Model(network) for one with fresh weights. "
    "[onnx-model]": (
        "to_onnx.model 必须是 Model（实际为 {got}）。可用 convscope.Model(network) 得到一个权重为初始值的模型。"
        "[onnx-model]"
    ),
    "{source!r} is a structure only, without weights. Set {setting} to a file with weights or a run, or name a run, "
    "as `convscope train` writes, an .onnx file, or a torch: or keras: callable. [no-weights]": (
        "{source!r} 只有结构，没有权重。请把 {setting} 设为权重文件或训练的文件夹，"
        "或改用 `convscope train` 写入的文件夹、.onnx 文件、torch: 或 keras: 可调用对象。[no-weights]"
    ),
}
