"""A horizontal and a vertical edge kernel on a real image: the first handwritten digit, a zero."""

import numpy as np

from convscope import lab
from convscope.data import load_data

images, _ = load_data("digits").batch(np.array([0]))
maps = lab.edge_maps(images[0, 0] * 16)  # as the file has it: ink from 0 to 16
print(maps)
