"""A horizontal and a vertical edge kernel on a real image: the first handwritten digit, a zero."""

import convscope as cs
from convscope import lab

images, _ = cs.load_data("digits").batch([0])
maps = lab.edge_maps(images[0, 0] * 16)  # as the file has it: ink from 0 to 16
print(maps)
