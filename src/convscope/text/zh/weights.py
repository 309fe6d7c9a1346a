"""Chinese texts of files with weights."""

MESSAGES = {
    "There is no file or folder {path!r} with weights. Check the path. [file-missing]": (
        "没有名为 {path!r} 的权重文件或文件夹。请检查路径。[file-missing]"
    ),
    "{path!r} is not a file with weights. Use {suffixes}, or the folder of a run. [weights-kind]": (
        "{path!r} 不是权重文件。请使用 {suffixes}，或训练的文件夹。[weights-kind]"
    ),
    "no names in common; layers with weights: {expected} expected, {got} in the file": (
        "没有相同的名称；含权重的层：应为 {expected} 层，文件中有 {got} 层"
    ),
    "{path!r} does not have the weights of {network}. Name the network that they belong to. "
    "[other-network]{lines}": (
        "{path!r} 中不是 {network} 的权重。请指定这些权重所属的网络。[other-network]{lines}"
    ),
    "{path}: matched {count} layer(s) of {network} by order and shape, since their names differ": (
        "{path}：{network} 有 {count} 层名称不同，已按顺序和形状匹配"
    ),
    "{path}: {count} array(s) are not used by {network}: {names}": (
        "{path}：{network} 未使用其中 {count} 个数组：{names}"
    ),
    "first difference in order: {layer} ({expected}) expected, {other} ({got}) in the file": (
        "按顺序的第一处不同：应为 {layer}（{expected}），文件中是 {other}（{got}）"
    ),
    "{path!r} has Keras weights in HDF5. Load them into their model in Keras, save it with model.save('model.keras'), and name that file. [weights-kind]": "{path!r} 是 HDF5 格式的 Keras 权重。请在 Keras 中把它载入对应的模型，用 model.save('model.keras') 保存，再指定该文件。[weights-kind]",
}
