"""Chinese texts of benchmarks."""

MESSAGES = {
    "{case}, {purpose}": "{case}，{purpose}",
    "convolution {number} of {total}: {work}": "卷积 {number}/{total}：{work}",
    "{network}, batch {batch}": "{network}，批量 {batch}",
    "network {number} of {total}: {work}": "网络 {number}/{total}：{work}",
    "skipped {name}: {reason}": "跳过 {name}：{reason}",
    "digits CNN, training": "手写数字 CNN，训练",
    "CIFAR-VGG with batch norm, training": "带批归一化的 CIFAR-VGG，训练",
    "ResNet-18 (CIFAR), training": "ResNet-18（CIFAR），训练",
    "VGG-16, inference": "VGG-16，推理",
    "ResNet-18, inference": "ResNet-18，推理",
    "MobileNet-v2, inference": "MobileNet-v2，推理",
    "LeNet-5, inference": "LeNet-5，推理",
}
