"""3×3 的输入与 2×2 的核做卷积：前向与反向。"""

from convscope import lab

print(lab.correlation(x=[[1, 2, 3], [4, 5, 6], [7, 8, 9]], w=[[1, 0], [-1, 2]], b=0))
