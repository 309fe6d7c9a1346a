"""Where a tensor's data lies in a file, however its fields are ordered."""

from __future__ import annotations

from itertools import permutations

import onnx
import pytest

from convscope.interop.onnx import reader
from interop.onnx.models import field

DATA = bytes(range(256)) * 9  # 2 × 3 × 96 numbers of four bytes


def number(key: int, value: int) -> bytes:
    return reader._varint(key << 3) + reader._varint(value)


def read(tensor: bytes) -> tuple[onnx.TensorProto, bytes]:
    """Return the tensor of a model without its data, and the bytes it says its data is."""
    data = field(7, field(2, b"made") + field(5, tensor)) + number(1, 10)
    found = onnx.ModelProto.FromString(reader.structure(memoryview(data))).graph.initializer[0]
    place = {entry.key: int(entry.value) for entry in found.external_data}
    return found, data[place["offset"] : place["offset"] + place["length"]] if place else b""


FIELDS = {
    "dims": number(1, 2) + number(1, 3) + number(1, 96),
    "type": number(2, 1),
    "name": field(8, b"w" * 70),
    "data": field(9, DATA),
    "text": field(12, b"of no account"),
}


@pytest.mark.parametrize("order", [*permutations(FIELDS)], ids="-".join)
def test_fields_in_any_order(order):
    tensor, data = read(b"".join(FIELDS[part] for part in order))
    assert (list(tensor.dims), tensor.data_type, tensor.name) == ([2, 3, 96], 1, "w" * 70)
    assert (tensor.raw_data, tensor.doc_string, data) == (b"", "of no account", DATA)


@pytest.mark.parametrize("length", [0, 1, 127, 128, 300])
@pytest.mark.parametrize("sizes", [(), (576,), (1, 576), (2, 3, 96), (1,) * 9 + (576,), (300, 20000)])
def test_names_and_sizes_of_any_length(length, sizes):
    head = b"".join(number(1, size) for size in sizes) + number(2, 1)
    tensor, data = read(head + field(8, b"n" * length) + field(9, DATA))
    assert (list(tensor.dims), tensor.name, tensor.raw_data, data) == ([*sizes], "n" * length, b"", DATA)


@pytest.mark.parametrize("size", [0, 1, reader.MIN_SKIPPED_BYTES - 1])
def test_little_data_stays(size):
    head = FIELDS["dims"] + FIELDS["type"] + FIELDS["name"]
    tensor, data = read(head + field(9, DATA[:size]))
    assert (tensor.raw_data, data) == (DATA[:size], b"")


@pytest.mark.parametrize("more", [field(9, DATA[:1100]), field(4, DATA)], ids=["raw_data", "float_data"])
def test_data_in_two_fields_is_left_to_the_reader(more):
    """Protocol buffers take the last of two, or join them: that is not for the walk to decide."""
    head = FIELDS["dims"] + FIELDS["type"] + FIELDS["name"]
    tensor, data = read(head + FIELDS["data"] + more)
    assert (bool(tensor.raw_data), data) == (True, b"")


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_tensor_that_ends_early_is_damaged(cut):
    """The data's length says more than the tensor has."""
    head = FIELDS["dims"] + FIELDS["type"] + FIELDS["name"]
    tensor = head + field(9, DATA)
    with pytest.raises(reader.Damaged):
        read(tensor[:-cut])
