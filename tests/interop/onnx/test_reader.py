"""Skipping of tensor data, for any order of a tensor's fields."""

from __future__ import annotations

from itertools import permutations

import onnx
import pytest

from convscope.interop.onnx import reader
from interop.onnx.models import field

DATA = bytes(range(256)) * 9  # 2 × 3 × 96 elements of four bytes


def number(key: int, value: int) -> bytes:
    return reader._varint(key << 3) + reader._varint(value)


def read(tensor: bytes) -> tuple[onnx.TensorProto, bytes]:
    """Return the tensor of a model without its data, and the bytes that its external data refers to."""
    data = field(7, field(2, b"made") + field(5, tensor)) + number(1, 10)
    found = onnx.ModelProto.FromString(reader.structure(memoryview(data))).graph.initializer[0]
    location = {entry.key: int(entry.value) for entry in found.external_data}
    return found, data[location["offset"] : location["offset"] + location["length"]] if location else b""


FIELDS = {
    "dims": number(1, 2) + number(1, 3) + number(1, 96),
    "type": number(2, 1),
    "name": field(8, b"w" * 70),
    "data": field(9, DATA),
    "text": field(12, b"of no account"),
}


@pytest.mark.parametrize("order", [*permutations(FIELDS)], ids="-".join)
def test_tensor_fields_in_any_order_are_read(order):
    tensor, data = read(b"".join(FIELDS[part] for part in order))
    assert (list(tensor.dims), tensor.data_type, tensor.name) == ([2, 3, 96], 1, "w" * 70)
    assert (tensor.raw_data, tensor.doc_string, data) == (b"", "of no account", DATA)


@pytest.mark.parametrize("length", [0, 1, 127, 128, 300])
@pytest.mark.parametrize("sizes", [(), (576,), (1, 576), (2, 3, 96), (1,) * 9 + (576,), (300, 20000)])
def test_names_and_shapes_of_any_length_are_read(length, sizes):
    head = b"".join(number(1, size) for size in sizes) + number(2, 1)
    tensor, data = read(head + field(8, b"n" * length) + field(9, DATA))
    assert (list(tensor.dims), tensor.name, tensor.raw_data, data) == ([*sizes], "n" * length, b"", DATA)


@pytest.mark.parametrize("size", [0, 1, reader.MIN_SKIPPED_BYTES - 1])
def test_small_data_stays_in_the_structure(size):
    head = FIELDS["dims"] + FIELDS["type"] + FIELDS["name"]
    tensor, data = read(head + field(9, DATA[:size]))
    assert (tensor.raw_data, data) == (DATA[:size], b"")


@pytest.mark.parametrize("more", [field(9, DATA[:1100]), field(4, DATA)], ids=["raw_data", "float_data"])
def test_data_in_two_fields_is_not_skipped(more):
    """Protocol buffers take the last of two fields, or concatenate them."""
    head = FIELDS["dims"] + FIELDS["type"] + FIELDS["name"]
    tensor, data = read(head + FIELDS["data"] + more)
    assert (bool(tensor.raw_data), data) == (True, b"")


@pytest.mark.parametrize("removed", range(1, 12))
def test_truncated_tensor_is_damaged(removed):
    """The data's length exceeds the tensor."""
    head = FIELDS["dims"] + FIELDS["type"] + FIELDS["name"]
    tensor = head + field(9, DATA)
    with pytest.raises(reader.DamagedMessage):
        read(tensor[:-removed])
