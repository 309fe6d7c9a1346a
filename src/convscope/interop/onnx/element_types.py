"""ONNX's element types, and which of them a converter's layers compute exactly."""

from __future__ import annotations

REAL = frozenset({1, 10, 11, 16})
"""float, float16, double and bfloat16."""

WHOLE = frozenset({6, 7})
"""int32 and int64: sums and products of usual sizes do not wrap, as those of 8 and 16 bits do."""

ORDERED = REAL | WHOLE | frozenset({2, 3, 4, 5, 12, 13})
"""All integers too: a layer that only compares or moves values computes them exactly."""

NUMBERS = ORDERED | frozenset({9})
"""bool too, as 0 and 1."""

SIGNED = REAL | WHOLE
"""What sums and products compute exactly."""


def type_name(dtype: int) -> str:
    """Return the name of an element type as ONNX writes it.

    >>> type_name(7)
    'int64'
    """
    from onnx import TensorProto

    known = dtype in TensorProto.DataType.values()
    return TensorProto.DataType.Name(dtype).lower() if known else str(dtype)
