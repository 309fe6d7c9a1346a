"""Layout of network diagrams as plain values, without a drawing library.

`boxes.py` merges layers into boxes, `lanes.py` gives them columns and lanes, `page.py` positions in inches, and
`diagram.py` puts these together with the paths of edges.
"""

from .diagram import Diagram, lay_out

__all__ = ["Diagram", "lay_out"]
