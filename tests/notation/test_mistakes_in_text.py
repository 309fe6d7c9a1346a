"""Mistakes in line notation: whole messages, with location and hint."""

from __future__ import annotations

import pytest

from convscope.errors import BadNetwork, BadNotation, BadSetting, BadShape, ConvscopeError
from convscope.notation import parse

MISTAKES: list[tuple[str, type[ConvscopeError], str]] = [
    (
        "input 3x9x8 | cnov 4 3",
        BadNotation,
        (
            "Line 1, column 15: A layer must begin with a known word (got 'cnov'). Did you mean conv, convt, "
            "dwconv? [unknown-kind]\n"
            "  input 3x9x8 | cnov 4 3\n"
            "                ^"
        ),
    ),
    (
        "input 3x9x8 | conv 4",
        BadNotation,
        (
            "Line 1, column 15: conv must have kernel_size (got none). Write `conv out_channels "
            "kernel_size`. [missing-setting]\n"
            "  input 3x9x8 | conv 4\n"
            "                ^"
        ),
    ),
    (
        "conv 4 3",
        BadNotation,
        (
            "Line 1, column 1: A network must begin with its input (got 'conv'). Write `input 3x224x224` "
            "first. [no-input]\n"
            "  conv 4 3\n"
            "  ^"
        ),
    ),
    (
        "input 3x9x8 | conv 4 3 q2",
        BadNotation,
        (
            "Line 1, column 24: conv must be written `conv out_channels kernel_size` with options (got "
            "'q2'). Options are sN stride, pN padding, dN dilation, gN groups, same, valid, nobias, "
            "stride=…, padding=…, dilation=…, groups=…, bias=…, in_channels=…, padding_mode=…, from=…, "
            "share=… [unknown-option]\n"
            "  input 3x9x8 | conv 4 3 q2\n"
            "                         ^"
        ),
    ),
    (
        "input 3x9x8 | relu s2",
        BadNotation,
        (
            "Line 1, column 20: relu has no stride (got 's2'). Remove it. [unknown-option]\n"
            "  input 3x9x8 | relu s2\n"
            "                     ^"
        ),
    ),
    (
        "input 3x9x8 | conv 4 3 strde=2",
        BadNotation,
        (
            "Line 1, column 24: conv has no setting 'strde'. Did you mean stride? [unknown-setting]\n"
            "  input 3x9x8 | conv 4 3 strde=2\n"
            "                         ^"
        ),
    ),
    (
        "input 3x9x8 | conv 4 3 s2 stride=2",
        BadNotation,
        (
            "Line 1, column 27: stride must be given once (got 'stride=2' as well). Remove one. [twice]\n"
            "  input 3x9x8 | conv 4 3 s2 stride=2\n"
            "                            ^"
        ),
    ),
    (
        "input 3x9x8 | conv 4 3 3",
        BadNotation,
        (
            "Line 1, column 24: conv must be written `conv out_channels kernel_size` with options (got '3'). "
            "Options are sN stride, pN padding, dN dilation, gN groups, same, valid, nobias, stride=…, "
            "padding=…, dilation=…, groups=…, bias=…, in_channels=…, padding_mode=…, from=…, share=… "
            "[unknown-option]\n"
            "  input 3x9x8 | conv 4 3 3\n"
            "                         ^"
        ),
    ),
    (
        "input 3x9x8 | conv 4 3x",
        BadNotation,
        (
            "Line 1, column 22: Conv2d.kernel_size must be an integer, or one per axis as in 3x5 (got '3x'). "
            "[value]\n"
            "  input 3x9x8 | conv 4 3x\n"
            "                       ^"
        ),
    ),
    (
        "input 3x9x8 | conv 4 3x5x7",
        BadSetting,
        (
            "Conv2d.kernel_size must have one integer, or 2, one per spatial axis (got kernel_size=(3, 5, "
            "7)). [setting]\n"
            "at line 1, column 22:\n"
            "  input 3x9x8 | conv 4 3x5x7\n"
            "                       ^"
        ),
    ),
    (
        "input 3x9x8 | conv 4 0",
        BadSetting,
        "Conv2d.kernel_size must be at least 1 (got kernel_size=0). [setting]\n"
        "at line 1, column 22:\n"
        "  input 3x9x8 | conv 4 0\n"
        "                       ^",
    ),
    (
        "input 3x9x8 | conv 4 3 g2",
        BadShape,
        (
            "Layer 'conv1' on input 3×9×8: Conv2d.groups must divide in_channels (got groups=2, "
            "in_channels=3). Use 1 or 3. [conv-groups]\n"
            "  input  Input   3×9×8\n"
            "  conv1  Conv2d  ✗\n"
            "at line 1, column 15:\n"
            "  input 3x9x8 | conv 4 3 g2\n"
            "                ^"
        ),
    ),
    (
        "input 3x9x8 | conv 4 11",
        BadShape,
        (
            "Layer 'conv1' on input 3×9×8: Conv2d.kernel_size must fit into the input (got height 9, kernel "
            "11). Use a smaller kernel, or an input of height 11 or more. [kernel-too-large]\n"
            "  input  Input   3×9×8\n"
            "  conv1  Conv2d  ✗\n"
            "at line 1, column 15:\n"
            "  input 3x9x8 | conv 4 11\n"
            "                ^"
        ),
    ),
    (
        "input 3x9x8\nrelu # fine\nconv 4 3 | dense 7",
        BadShape,
        (
            "Layer 'dense1' on input 4×7×6: Linear needs a vector as input (got 4×7×6). Put `flatten` before "
            "it, or write `linear` for the last axis. [dense-flatten]\n"
            "  input   Input   3×9×8\n"
            "  relu1   ReLU    3×9×8\n"
            "  conv1   Conv2d  4×7×6\n"
            "  dense1  Linear  ✗\n"
            "at line 3, column 12:\n"
            "  conv 4 3 | dense 7\n"
            "             ^"
        ),
    ),
    (
        "input 3x9x8 | add",
        BadNotation,
        (
            "Line 1, column 15: add must name the layers it joins (got none). Write `add conv1 conv2`, or in "
            "YAML `add:` with a list of branches. [merge-inputs]\n"
            "  input 3x9x8 | add\n"
            "                ^"
        ),
    ),
    (
        "input 3x9x8 | add relu1 input",
        BadNotation,
        (
            "Line 1, column 19: A name must be that of a layer (got 'relu1'). Known: add1, input. "
            "[unknown-input]\n"
            "  input 3x9x8 | add relu1 input\n"
            "                    ^"
        ),
    ),
    (
        "input 3x9x8 | relu | add relu1 input from=relu1",
        BadNotation,
        (
            "Line 1, column 26: Inputs must be listed once (got 'relu1' and from=). Remove one. [twice]\n"
            "  input 3x9x8 | relu | add relu1 input from=relu1\n"
            "                           ^"
        ),
    ),
    (
        "input 3x9x8 | relu from=rleu1",
        BadNotation,
        (
            "Line 1, column 25: A name must be that of a layer (got 'rleu1'). Did you mean relu1? "
            "[unknown-input]\n"
            "  input 3x9x8 | relu from=rleu1\n"
            "                          ^"
        ),
    ),
    (
        "input 3x9x8 | a: relu | a: tanh",
        BadNotation,
        (
            "Line 1, column 25: Names must be unique (got 'a' a second time). Rename one. [duplicate-name]\n"
            "  input 3x9x8 | a: relu | a: tanh\n"
            "                          ^"
        ),
    ),
    (
        "input 3x9x8 | | relu",
        BadNotation,
        (
            "Line 1, column 15: There must be a layer between two bars (got none). Remove one bar. "
            "[empty-layer]\n"
            "  input 3x9x8 | | relu\n"
            "                ^"
        ),
    ),
    (
        "|",
        BadNotation,
        (
            "Line 1, column 1: A network must begin with its input (got no layers). Write `input 3x224x224`. "
            "[no-input]\n"
            "  |\n"
            "  ^"
        ),
    ),
    (
        "",
        BadNotation,
        (
            "Line 1, column 1: A network must begin with its input (got no layers). Write `input 3x224x224`. "
            "[no-input]\n"
            "  \n"
            "  ^"
        ),
    ),
    (
        "input 3x9x8 | act:",
        BadNotation,
        (
            "Line 1, column 15: A layer's kind must follow its name (got 'act:' alone). Write `act: relu` or "
            "so. [no-kind]\n"
            "  input 3x9x8 | act:\n"
            "                ^"
        ),
    ),
    (
        "input 3x9x8 | a,b: relu",
        BadNotation,
        (
            "Line 1, column 15: A layer's name must be text without spaces and | , : = # \" ' { } (got "
            "'a,b'). Use letters, digits, dots, dashes. [layer-name]\n"
            "  input 3x9x8 | a,b: relu\n"
            "                ^"
        ),
    ),
    (
        "input 3x9x8 | conv {width} 3",
        BadNotation,
        (
            "Line 1, column 20: Braces must contain parameters of the block (got 'width'). Braces can only "
            "be used in blocks and repeats. [unknown-parameter]\n"
            "  input 3x9x8 | conv {width} 3\n"
            "                     ^"
        ),
    ),
    (
        "input 3x9x8 | bn eps=fast",
        BadNotation,
        (
            "Line 1, column 22: BatchNorm2d.eps must be a number (got 'fast'). [value]\n"
            "  input 3x9x8 | bn eps=fast\n"
            "                       ^"
        ),
    ),
    (
        "input 3x9x8 | concat input input axis=3",
        BadShape,
        (
            "Layer 'concat1' on input 3×9×8 and 3×9×8: Concat.axis must be below 3 for input 3×9×8 (got "
            "axis=3). Count axes from 0 (channels), without the batch axis. [axis-range]\n"
            "  input    Input   3×9×8\n"
            "  concat1  Concat  ✗\n"
            "at line 1, column 15:\n"
            "  input 3x9x8 | concat input input axis=3\n"
            "                ^"
        ),
    ),
    (
        "input 3x9x8 | relu | input 3x4x4 from=relu1",
        BadNotation,
        (
            "Line 1, column 22: input must not have inputs (got from=). Remove it. [input-from]\n"
            "  input 3x9x8 | relu | input 3x4x4 from=relu1\n"
            "                       ^"
        ),
    ),
    (
        "input 3x9x8 | relu share=relu2",
        BadNotation,
        (
            "Line 1, column 26: A name must be that of a layer (got 'relu2'). Did you mean relu1? "
            "[unknown-input]\n"
            "  input 3x9x8 | relu share=relu2\n"
            "                           ^"
        ),
    ),
    (
        "input 3x9x8 | conv 4 3 | conv 4 3 share=conv1",
        BadShape,
        (
            "Layer 'conv2' on input 4×7×6: Conv2d must have the parameters of 'conv1' to share them (got "
            "weight 4×4×3×3, bias 4, not weight 4×3×3×3, bias 4). Use the same settings and input channels. "
            "[shared-shapes]\n"
            "  input  Input   3×9×8\n"
            "  conv1  Conv2d  4×7×6\n"
            "  conv2  Conv2d  ✗\n"
            "at line 1, column 26:\n"
            "  input 3x9x8 | conv 4 3 | conv 4 3 share=conv1\n"
            "                           ^"
        ),
    ),
    (
        "input 3x9x8 | a: relu from=b | b: relu from=a",
        BadNetwork,
        "A network must not have cycles (got b → a → b). Change one of these inputs. [cycle]",
    ),
    (
        "input 0x3x3",
        BadSetting,
        "Input.shape must be at least 1 (got shape=0). [setting]\nat line 1, column 7:\n  input 0x3x3\n        ^",
    ),
    (
        "input 3x9x8 | pad p1 2",
        BadNotation,
        (
            "Line 1, column 22: padding must be given once (got '2' as well). Remove one. [twice]\n"
            "  input 3x9x8 | pad p1 2\n"
            "                       ^"
        ),
    ),
]


@pytest.mark.parametrize(("text", "kind", "message"), MISTAKES, ids=[text for text, _, _ in MISTAKES])
def test_mistake(text: str, kind: type[ConvscopeError], message: str) -> None:
    """The rule, what came, what to do, and the line with a caret under the place."""
    with pytest.raises(ConvscopeError) as caught:
        parse(text)
    assert type(caught.value) is kind
    assert str(caught.value) == message
