"""用水平和垂直边缘核处理一幅真实图像：数据集中的第一个手写数字“0”。"""

import convscope as cs
from convscope import lab

images, _ = cs.load_data("digits").batch([0])
maps = lab.edge_maps(images[0, 0] * 16)  # 还原为文件中的灰度：墨色从 0 到 16
print(maps)
