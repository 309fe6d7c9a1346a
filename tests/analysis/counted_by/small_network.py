"""The network of docs/explanation/counted-by.md, and the function that writes the page's table anew."""

from __future__ import annotations

from pathlib import Path

from convscope import layers as cs
from convscope.analysis.counted_by import tool_comparison
from convscope.network import Entry, Network

PAGE = Path(__file__).parents[3] / "docs" / "explanation" / "counted-by.md"
BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"

SMALL = Network(
    [
        Entry("input", cs.Input((3, 20, 28))),
        Entry("conv", cs.Conv2d(8, 3, padding=1, bias=False), ("input",)),
        Entry("bn", cs.BatchNorm2d(), ("conv",)),
        Entry("relu", cs.ReLU(), ("bn",)),
        Entry("depthwise", cs.Conv2d(8, 3, padding=1, groups=8), ("relu",)),
        Entry("sum", cs.Add(), ("relu", "depthwise")),
        Entry("pool", cs.MaxPool2d(2), ("sum",)),
        Entry("up", cs.ConvTranspose2d(4, 2, stride=2), ("pool",)),
        Entry("average", cs.GlobalAvgPool2d(), ("up",)),
        Entry("classes", cs.Linear(10), ("average",)),
        Entry("softmax", cs.Softmax(), ("classes",)),
    ],
    "small",
)


def regenerate() -> None:
    """Write the table into the page."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    PAGE.write_text(before + BEGIN + tool_comparison(SMALL) + END + after, encoding="utf-8")


if __name__ == "__main__":
    regenerate()
