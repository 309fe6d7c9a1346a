"""Messages of `network`."""

MESSAGES = {
    "Layer {layer!r} on input {shapes}: {error}\n{table}": "层 {layer!r}（输入 {shapes}）：{error}\n{table}",
    "inputs {shapes}": "输入 {shapes}",
    "Layer names must be text without spaces, quotes, braces and the characters | , : = # (got {name!r}). Use letters, digits, dots and dashes. [layer-name]": "层名必须是不含空格、引号、花括号以及字符 | , : = # 的文本（实际为 {name!r}）。请使用字母、数字、点和连字符。[layer-name]",
    "Layer names must be unique (got two layers named {name!r}). Rename one. [duplicate-name]": "层名不能重复（有两层都叫 {name!r}）。请给其中一层改名。[duplicate-name]",
    "A network must have an input (got none). Begin with one, as in `input 3x224x224`. [no-input]": "网络必须有输入（没有找到）。请以输入开头，例如 `input 3x224x224`。[no-input]",
    "A network must not have cycles (got {cycle}). Change one of these inputs. [cycle]": "网络不能有环（实际为 {cycle}）。请修改其中一个输入。[cycle]",
    "frozen must be set on the layer that owns the parameters (got it on {layer!r}, which shares those of {owner!r}). Freeze {owner!r}. [frozen-shared]": "frozen 必须写在拥有这些参数的层上（写在了 {layer!r} 上，它共享 {owner!r} 的参数）。请冻结 {owner!r}。[frozen-shared]",
    "  … {count:,} earlier layer(s)\n{table}": "  … 之前还有 {count:,} 层\n{table}",
    "Layer {layer!r}: {error}\n{table}": "层 {layer!r}：{error}\n{table}",
    "input {shape}": "输入 {shape}",
    "Layer {layer!r} must take its input from a layer (got none). Name one. [no-inputs]": "层 {layer!r} 必须以某一层为输入（没有写明）。请写出一层。[no-inputs]",
    "frozen must name parameters of the layer (got {got!r}). Use {names}. [frozen-name]": "frozen 必须是该层参数的名称（实际为 {got!r}）。可用 {names}。[frozen-name]",
    "{network} has no layer with parameters that matches {pattern!r}. {hint} [layer-name]": "{network} 中没有名称匹配 {pattern!r} 且带参数的层。{hint}[layer-name]",
    "Inputs of layer {layer!r} must be layers of the network (got {got!r}). {hint} [unknown-input]": "层 {layer!r} 的输入必须是网络中的层（实际为 {got!r}）。{hint}[unknown-input]",
    "{layer} must have the parameters of {owner!r} to share them (got {got}, not {expected}). Use the same settings and input channels. [shared-shapes]": "{layer} 要共享 {owner!r} 的参数，两者的参数必须一致（实际为 {got}，应为 {expected}）。请使用相同的设置和输入通道数。[shared-shapes]",
    "frozen must name parameters of the layer (got {got!r}). {layer} has none: remove it. [frozen-name]": "frozen 必须是该层参数的名称（实际为 {got!r}）。{layer} 没有参数，请去掉它。[frozen-name]",
}
