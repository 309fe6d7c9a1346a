"""Messages of `input_shapes`."""

MESSAGES = {
    "Shapes must have channels first (got {got} for {input!r}, which has {count} channel(s)). Write {expected}. [channels-last]": "形状必须把通道放在最前面（{input!r} 有 {count} 个通道，得到 {got}）。请写成 {expected}。[channels-last]",
    "input_shape must be positive integers, channels first and without the batch, or a mapping from input names to such shapes (got input_shape={got!r}). Use (3, 224, 224). [input-shape]": "input_shape 必须是正整数，通道在前、不含批量轴，或者是从输入名到这种形状的映射（实际为 input_shape={got!r}）。请使用 (3, 224, 224) 这样的写法。[input-shape]",
    "input_shape must name inputs of the model (got {got!r}). {hint} [input-name]": "input_shape 必须使用模型输入的名称（实际为 {got!r}）。{hint}[input-name]",
}
