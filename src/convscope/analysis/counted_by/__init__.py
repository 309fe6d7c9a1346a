"""What another tool reports for a network, and why it differs from ours.

One file per tool: `torchinfo.py`, `fvcore.py`, `thop.py`, `ptflops.py`, `torchvision.py` and `tensorflow.py`. Each
holds a singledispatch function from a layer to the tool's number. `tool.py` has what they share, `recount.py`
puts one tool's answers together, and the tools side by side.
"""

from .recount import TOOLS, Recount, RecountRow, recount, tool_comparison

__all__ = ["TOOLS", "Recount", "RecountRow", "recount", "tool_comparison"]
