"""Files: weights that stay where they are, data outside the file, and files that are not what they seem."""

from __future__ import annotations

import struct
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import convscope as cs
from convscope.errors import BadFile, MissingExtra
from convscope.interop.onnx import importer, reader
from interop.onnx.invalid_files import conv_model, refused
from interop.onnx.models import model, numbers, one, saved
from interop.onnx.runtime import assert_close, by_reference, by_runtime

node = helper.make_node


# Weights


def test_weights_stay_in_the_file_until_they_are_asked_for(tmp_path):
    """The structure that is read is smaller than the weights; asked for, they are the file's."""
    path = saved(conv_model(), tmp_path)
    structure = reader.structure(memoryview(path.read_bytes()))
    assert len(structure) < 600 < path.stat().st_size - 3000
    tensor = onnx.ModelProto.FromString(structure).graph.initializer[0]
    assert (list(tensor.dims), tensor.raw_data, tensor.data_location) == ([16, 3, 4, 5], b"", TensorProto.EXTERNAL)
    weights = importer.read_network(path)[1]
    assert (weights["made.weight"].array == numbers((16, 3, 4, 5))).all()
    assert (weights["made.bias"].array == numbers((16,), 4)).all()


@pytest.mark.parametrize("typed", ["raw", "float_data", "double_data", "constant node"])
def test_data_in_any_field_of_a_tensor(typed, tmp_path):
    """raw_data, float_data, double_data; tensors inside of nodes are left in the file too."""
    weight = numbers((16, 3, 4, 5))
    made = conv_model()
    if typed == "constant node":
        del made.graph.initializer[0]
        made.graph.node.insert(0, node("Constant", [], ["w"], "c", value=onnx.numpy_helper.from_array(weight)))
    elif typed != "raw":
        kind = TensorProto.FLOAT if typed == "float_data" else TensorProto.DOUBLE
        made.graph.initializer[0].CopyFrom(helper.make_tensor("w", kind, weight.shape, weight.reshape(-1)))
    path = saved(made, tmp_path)
    assert len(reader.structure(memoryview(path.read_bytes()))) < 1000
    assert (importer.read_network(path)[1]["made.weight"].array == weight).all()


@pytest.mark.parametrize("kind", [TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE])
def test_weights_of_other_real_types_become_float32(kind, tmp_path):
    made = conv_model()
    tensor = made.graph.initializer[0]
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    tensor.CopyFrom(onnx.numpy_helper.from_array(numbers((16, 3, 4, 5)).astype(dtype), "w"))
    loaded = cs.from_onnx(saved(made, tmp_path), parameters=True)
    expected = numbers((16, 3, 4, 5)).astype(dtype).astype(np.float32)
    assert (loaded.parameters["made.weight"] == expected).all()


def test_data_beside_the_file(tmp_path):
    """External data is not needed for the structure, and read when weights are asked for."""
    path = tmp_path / "made.onnx"
    onnx.save(conv_model(), str(path), save_as_external_data=True, location="made.data", size_threshold=0)
    x = numbers((1, 3, 7, 9), 8)
    _, ours = by_reference(path, {"x": x})
    assert_close(ours, by_runtime(path, {"x": x})[0])
    (tmp_path / "made.data").unlink()
    assert cs.from_onnx(path)["made"].output_shape == (16, 4, 5)
    refused(
        path,
        BadFile,
        f"{{path}} must have the data of tensor 'w' beside it; got {str(tmp_path / 'made.data')!r}: "
        "no such file or directory; copy that file into the model's folder too. [onnx-external]",
        parameters=True,
    )


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "folder/../../secret", "link"])
def test_data_outside_the_folder_is_never_read(location, tmp_path):
    (tmp_path / "secret").write_bytes(bytes(16 * 60 * 4))
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "secret")
    made = conv_model()
    outside(made.graph.initializer[0], location)
    refused(
        saved(made, folder),
        BadFile,
        f"{{path}} must keep the data of tensor 'w' in its own folder; got location={location!r}; "
        "do not use this file unless you trust it. [onnx-external]",
        parameters=True,
    )


def outside(tensor: TensorProto, location: str, offset: int = 0, length: int | None = None) -> None:
    """Say that a tensor's data lies in another file."""
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    place = {"location": location, "offset": str(offset)} | ({} if length is None else {"length": str(length)})
    for key, value in place.items():
        tensor.external_data.add(key=key, value=value)


@pytest.mark.parametrize(("offset", "length"), [(100, 3840), (-4, 3840), (0, 10**15)])
def test_data_that_is_not_where_it_should_be(offset, length, tmp_path):
    (tmp_path / "data").write_bytes(bytes(3840))
    made = conv_model()
    outside(made.graph.initializer[0], "data", offset, length)
    with pytest.raises(
        BadFile, match=r"^tensor 'w' of .* must have its data where it says; got .*\[onnx-tensor\]$"
    ):
        cs.from_onnx(saved(made, tmp_path), parameters=True)


def test_too_few_numbers(tmp_path):
    made = conv_model()
    made.graph.initializer[0].raw_data = bytes(2000)
    with pytest.raises(
        BadFile, match=r"^tensor 'w' of .* must hold the numbers of shape 16×3×4×5; got .*\[onnx-tensor\]$"
    ):
        cs.from_onnx(saved(made, tmp_path), parameters=True)


def test_weights_that_are_no_numbers(tmp_path):
    made = conv_model()
    made.graph.initializer[1].raw_data = struct.pack("<16f", *[float("nan")] * 16)
    refused(
        saved(made, tmp_path),
        BadFile,
        "weights of {path} must be finite numbers; got NaN or infinity in 'made.bias'; "
        "export the model again. [onnx-weights]",
        parameters=True,
    )


# Files that are not what they seem


@pytest.mark.parametrize("left_out", [1, 100, 2000])
def test_a_truncated_file(left_out, tmp_path):
    """Cut at the end, in a tensor, in the graph: it says how much is missing."""
    whole = saved(conv_model(), tmp_path).read_bytes()
    path = tmp_path / "cut.onnx"
    path.write_bytes(whole[:-left_out])
    with pytest.raises(BadFile, match=r"^'.*cut.onnx' must be whole; got a damaged ONNX file \(.*\); copy or download it again. \[onnx-damaged\]$"):  # fmt: skip
        cs.from_onnx(path)


@pytest.mark.parametrize(
    "content",
    [b"\x89PNG\r\n\x1a\n" + bytes(50), b"name: resnet\nlayers: []\n", b"\xff" * 40, b"PK\x03\x04" + bytes(30)],
)
def test_a_file_of_another_kind(content, tmp_path):
    path = tmp_path / "image.onnx"
    path.write_bytes(content)
    refused(
        path, BadFile, "{path} must be an ONNX model; got a file of another kind; name a .onnx file. [onnx-none]"
    )


def test_an_empty_file_a_folder_and_none(tmp_path):
    (tmp_path / "empty.onnx").write_bytes(b"")
    (tmp_path / "folder.onnx").mkdir()
    message = "{path} must be an ONNX model; got an empty file; save it again. [onnx-none]"
    refused(tmp_path / "empty.onnx", BadFile, message)
    message = "{path} must be a file; got a folder; name the .onnx file in it. [file-kind]"
    refused(tmp_path / "folder.onnx", BadFile, message)
    message = "{path} must be readable; got no such file or directory; check the path. [file-missing]"
    refused(tmp_path / "none.onnx", BadFile, message)


def test_a_message_without_a_graph(tmp_path):
    path = tmp_path / "made.onnx"
    path.write_bytes(onnx.ModelProto(ir_version=8).SerializeToString())
    message = (
        "{path} must be an ONNX model; got no graph with outputs, or no operator set, in it; "
        "name a model that onnx.checker accepts. [onnx-none]"
    )
    refused(path, BadFile, message)


def test_operator_sets_too_old_and_too_new(tmp_path):
    newest = onnx.defs.onnx_opset_version()
    rule = f"{{path}} must use operator set 9 to {newest}; got "
    path = saved(model([one("Relu")], (1, 3), opset=8), tmp_path, "old")
    refused(path, BadFile, f"{rule}opset 8; convert it with onnx.version_converter. [onnx-opset]")
    path = saved(model([one("Relu")], (1, 3), opset=newest + 1), tmp_path, "new")
    refused(path, BadFile, f"{rule}opset {newest + 1}; install a newer onnx package. [onnx-opset]")


def test_without_the_onnx_package(tmp_path, monkeypatch):
    path = saved(conv_model(), tmp_path)
    monkeypatch.setitem(sys.modules, "onnx", None)
    message = "ONNX models need the onnx package, which is not installed. Run `pip install onnx`. [missing-onnx]"
    refused(path, MissingExtra, message)
