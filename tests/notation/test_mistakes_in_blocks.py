"""Mistakes in a document's blocks, their parameters and their arithmetic: every message whole, with the place."""

from __future__ import annotations

import pytest

from convscope.errors import BadNotation, BadShape, ConvscopeError
from convscope.notation import parse_yaml

BLOCKS: list[tuple[str, type[ConvscopeError], str]] = [
    (
        "input: 3x9x8\n"
        "blocks:\n"
        "  unit width kernel=3:\n"
        "    - conv {width} {kernel} p1 | bn\n"
        "    - relu\n"
        "layers:\n"
        "  - unit\n",
        BadNotation,
        (
            "Line 7, column 5: unit must be called `unit width kernel=3` (got no width). [block-arguments]\n"
            "    - unit\n"
            "      ^"
        ),
    ),
    (
        "input: 3x9x8\n"
        "blocks:\n"
        "  unit width kernel=3:\n"
        "    - conv {width} {kernel} p1 | bn\n"
        "    - relu\n"
        "layers:\n"
        "  - unit 4 3 2\n",
        BadNotation,
        (
            "Line 7, column 14: unit must be called `unit width kernel=3` (got '2' as well). "
            "[block-arguments]\n"
            "    - unit 4 3 2\n"
            "               ^"
        ),
    ),
    (
        "input: 3x9x8\n"
        "blocks:\n"
        "  unit width kernel=3:\n"
        "    - conv {width} {kernel} p1 | bn\n"
        "    - relu\n"
        "layers:\n"
        "  - unit 4 width=5\n",
        BadNotation,
        (
            "Line 7, column 12: width must be given once (got it twice). Remove one. [block-arguments]\n"
            "    - unit 4 width=5\n"
            "             ^"
        ),
    ),
    (
        "input: 3x9x8\n"
        "blocks:\n"
        "  unit width kernel=3:\n"
        "    - conv {width} {kernel} p1 | bn\n"
        "    - relu\n"
        "layers:\n"
        "  - unit 4 kernl=5\n",
        BadNotation,
        (
            "Line 7, column 12: unit has no parameter 'kernl'. Did you mean kernel? [block-arguments]\n"
            "    - unit 4 kernl=5\n"
            "             ^"
        ),
    ),
    (
        "input: 3x9x8\n"
        "blocks:\n"
        "  unit width kernel=3:\n"
        "    - conv {width} {kernel} p1 | bn\n"
        "    - relu\n"
        "layers:\n"
        "  - unti 4\n",
        BadNotation,
        (
            "Line 7, column 5: A layer must begin with a known word (got 'unti'). Did you mean unit, "
            "function, multiply? [unknown-kind]\n"
            "    - unti 4\n"
            "      ^"
        ),
    ),
    (
        "input: 3x9x8\n"
        "blocks:\n"
        "  unit width kernel=3:\n"
        "    - conv {width} {kernel} p1 | bn\n"
        "    - relu\n"
        "layers:\n"
        "  - unit 4 11\n",
        BadShape,
        (
            "Layer 'conv1' on input 3×9×8: Conv2d.kernel_size must fit into the padded input (got width 8 "
            "with padding 1 + 1, kernel 11). Use a smaller kernel, or an input of width 9 or more. "
            "[kernel-too-large]\n"
            "  input  Input   3×9×8\n"
            "  conv1  Conv2d  ✗\n"
            "at line 4, column 7:\n"
            "      - conv {width} {kernel} p1 | bn\n"
            "        ^\n"
            "in the block called at line 7, column 5:\n"
            "    - unit 4 11\n"
            "      ^"
        ),
    ),
    (
        "input: 3x9x8\n"
        "blocks:\n"
        "  unit width kernel=3:\n"
        "    - conv {widht} {kernel} p1 | bn\n"
        "    - relu\n"
        "layers:\n"
        "  - unit 4\n",
        BadNotation,
        (
            "Line 4, column 12: Braces must contain parameters of the block (got 'widht'). Did you mean "
            "width? [unknown-parameter]\n"
            "      - conv {widht} {kernel} p1 | bn\n"
            "             ^\n"
            "in the block called at line 7, column 5:\n"
            "    - unit 4\n"
            "      ^"
        ),
    ),
    (
        "input: 3x9x8\n"
        "blocks:\n"
        "  unit width kernel=3:\n"
        "    - conv {width*} {kernel} p1 | bn\n"
        "    - relu\n"
        "layers:\n"
        "  - unit 4\n",
        BadNotation,
        (
            "Line 4, column 12: Braces must contain integer arithmetic with + - * // % up to 2,147,483,647 "
            "(got {width*}). For example {width*4}. [arithmetic]\n"
            "      - conv {width*} {kernel} p1 | bn\n"
            "             ^\n"
            "in the block called at line 7, column 5:\n"
            "    - unit 4\n"
            "      ^"
        ),
    ),
    (
        "input: 3x9x8\n"
        "blocks:\n"
        "  unit width kernel=3:\n"
        "    - conv {width**9} {kernel} p1 | bn\n"
        "    - relu\n"
        "layers:\n"
        "  - unit 4\n",
        BadNotation,
        (
            "Line 4, column 12: Braces must contain integer arithmetic with + - * // % up to 2,147,483,647 "
            "(got {width**9}). For example {width*4}. [arithmetic]\n"
            "      - conv {width**9} {kernel} p1 | bn\n"
            "             ^\n"
            "in the block called at line 7, column 5:\n"
            "    - unit 4\n"
            "      ^"
        ),
    ),
    (
        "input: 3x9x8\n"
        "blocks:\n"
        "  unit width kernel=3:\n"
        "    - conv {width//0} {kernel} p1 | bn\n"
        "    - relu\n"
        "layers:\n"
        "  - unit 4\n",
        BadNotation,
        (
            "Line 4, column 12: Braces must contain integer arithmetic with + - * // % up to 2,147,483,647 "
            "(got {width//0}). For example {width*4}. [arithmetic]\n"
            "      - conv {width//0} {kernel} p1 | bn\n"
            "             ^\n"
            "in the block called at line 7, column 5:\n"
            "    - unit 4\n"
            "      ^"
        ),
    ),
    (
        "input: 3x9x8\n"
        "blocks:\n"
        "  unit width kernel=3:\n"
        "    - conv {width {kernel} p1 | bn\n"
        "    - relu\n"
        "layers:\n"
        "  - unit 4\n",
        BadNotation,
        (
            "Line 4, column 12: Braces must come in pairs (got '{width'). Close them. [braces]\n"
            "      - conv {width {kernel} p1 | bn\n"
            "             ^\n"
            "in the block called at line 7, column 5:\n"
            "    - unit 4\n"
            "      ^"
        ),
    ),
    (
        "input: 3x9x8\n"
        "blocks:\n"
        "  relu width kernel=3:\n"
        "    - conv {width} {kernel} p1 | bn\n"
        "    - relu\n"
        "layers:\n"
        "  - unit 4\n",
        BadNotation,
        (
            "Line 3, column 3: A block must have a name that no layer has (got 'relu width kernel=3'). Write "
            "`name parameter …`. [block-name]\n"
            "    relu width kernel=3:\n"
            "    ^"
        ),
    ),
    (
        "input: 3x9x8\n"
        "blocks:\n"
        "  unit width width kernel=3:\n"
        "    - conv {width} {kernel} p1 | bn\n"
        "    - relu\n"
        "layers:\n"
        "  - unit 4\n",
        BadNotation,
        (
            "Line 3, column 14: A parameter must have a unique name of letters and digits (got 'width'). "
            "[block-name]\n"
            "    unit width width kernel=3:\n"
            "               ^"
        ),
    ),
    (
        "input: 3x9x8\n"
        "blocks:\n"
        "  unit width kernel=3:\n"
        "    - conv {width} {kernel} p1 | bn\n"
        "    - unit {width}\n"
        "layers:\n"
        "  - unit 4\n",
        BadNotation,
        (
            "Line 5, column 7: Blocks must nest at most 64 deep (got more at 'unit'). A block may not call "
            "itself. [too-deep]\n"
            "      - unit {width}\n"
            "        ^\n"
            "in the block called at line 5, column 7:\n"
            "      - unit {width}\n"
            "        ^"
        ),
    ),
]


@pytest.mark.parametrize(("text", "kind", "message"), BLOCKS, ids=[text for text, _, _ in BLOCKS])
def test_mistake_in_a_block(text: str, kind: type[ConvscopeError], message: str) -> None:
    """The rule, what came, what to do, and the line with a caret under the place."""
    with pytest.raises(ConvscopeError) as caught:
        parse_yaml(text)
    assert type(caught.value) is kind
    assert str(caught.value) == message
