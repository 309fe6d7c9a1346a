"""Files: weights on demand, external data, and files that are not ONNX models."""

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


def test_weights_are_read_on_demand(tmp_path):
    """The structure is smaller than the weights, which are those of the file when they are read."""
    path = saved(conv_model(), tmp_path)
    structure = reader.structure(memoryview(path.read_bytes()))
    assert len(structure) < 600 < path.stat().st_size - 3000
    tensor = onnx.ModelProto.FromString(structure).graph.initializer[0]
    assert (list(tensor.dims), tensor.raw_data, tensor.data_location) == ([16, 3, 4, 5], b"", TensorProto.EXTERNAL)
    weights = importer.read_network(path)[1]
    assert (weights["made.weight"].array == numbers((16, 3, 4, 5))).all()
    assert (weights["made.bias"].array == numbers((16,), 4)).all()


@pytest.mark.parametrize("typed", ["raw", "float_data", "double_data", "constant node"])
def test_tensor_data_in_every_field_is_read_on_demand(typed, tmp_path):
    """raw_data, float_data, double_data; tensors inside nodes are skipped too."""
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
def test_weights_of_other_float_types_become_float32(kind, tmp_path):
    made = conv_model()
    tensor = made.graph.initializer[0]
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    tensor.CopyFrom(onnx.numpy_helper.from_array(numbers((16, 3, 4, 5)).astype(dtype), "w"))
    loaded = cs.from_onnx(saved(made, tmp_path), parameters=True)
    expected = numbers((16, 3, 4, 5)).astype(dtype).astype(np.float32)
    assert (loaded.parameters["made.weight"] == expected).all()


def test_external_data_is_read_on_demand(tmp_path):
    """External data is not needed for the structure."""
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
        f"The data of tensor 'w' of {{path}} cannot be read (got {str(tmp_path / 'made.data')!r}: "
        "no such file or directory). Copy that file into the model's folder too. [onnx-external]",
        parameters=True,
    )


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "folder/../../secret", "link"])
def test_external_data_outside_the_folder_is_refused(location, tmp_path):
    (tmp_path / "secret").write_bytes(bytes(16 * 60 * 4))
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "secret")
    made = conv_model()
    point_to_external_data(made.graph.initializer[0], location)
    refused(
        saved(made, folder),
        BadFile,
        f"{{path}} must have the data of tensor 'w' in its own folder (got location={location!r}). "
        "Do not use this file unless you trust it. [onnx-external]",
        parameters=True,
    )


def point_to_external_data(tensor: TensorProto, location: str, offset: int = 0, length: int | None = None) -> None:
    """Move a tensor's data to another file."""
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entries = {"location": location, "offset": str(offset)} | ({} if length is None else {"length": str(length)})
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=value)


@pytest.mark.parametrize(("offset", "length"), [(100, 3840), (-4, 3840), (0, 10**15)])
def test_external_data_with_wrong_bounds_is_refused(offset, length, tmp_path):
    (tmp_path / "data").write_bytes(bytes(3840))
    made = conv_model()
    point_to_external_data(made.graph.initializer[0], "data", offset, length)
    with pytest.raises(BadFile, match=r"^Tensor 'w' of .* has wrong external data \(got .*\[onnx-tensor\]$"):
        cs.from_onnx(saved(made, tmp_path), parameters=True)


def test_tensor_with_too_few_elements_is_refused(tmp_path):
    made = conv_model()
    made.graph.initializer[0].raw_data = bytes(2000)
    with pytest.raises(
        BadFile, match=r"^Tensor 'w' of .* must contain the elements of shape 16×3×4×5 \(got .*\[onnx-tensor\]$"
    ):
        cs.from_onnx(saved(made, tmp_path), parameters=True)


def test_nan_weights_are_refused(tmp_path):
    made = conv_model()
    made.graph.initializer[1].raw_data = struct.pack("<16f", *[float("nan")] * 16)
    refused(
        saved(made, tmp_path),
        BadFile,
        "Weights 'made.bias' of {path} contain NaN or infinity. Export the model again. [onnx-weights]",
        parameters=True,
    )


# Invalid files


@pytest.mark.parametrize("left_out", [1, 100, 2000])
def test_truncated_file_is_reported_as_damaged(left_out, tmp_path):
    """Truncated at the end, in a tensor, or in the graph."""
    whole = saved(conv_model(), tmp_path).read_bytes()
    path = tmp_path / "cut.onnx"
    path.write_bytes(whole[:-left_out])
    with pytest.raises(
        BadFile, match=r"^'.*cut.onnx' is damaged \(.*\)\. Copy or download it again. \[onnx-damaged\]$"
    ):
        cs.from_onnx(path)


@pytest.mark.parametrize(
    "content",
    [b"\x89PNG\r\n\x1a\n" + bytes(50), b"name: resnet\nlayers: []\n", b"\xff" * 40, b"PK\x03\x04" + bytes(30)],
)
def test_file_of_another_kind_is_refused(content, tmp_path):
    path = tmp_path / "image.onnx"
    path.write_bytes(content)
    refused(
        path, BadFile, "{path} is not an ONNX model (got a file of another kind). Pass a .onnx file. [onnx-none]"
    )


def test_empty_file_folder_and_missing_file_are_refused(tmp_path):
    (tmp_path / "empty.onnx").write_bytes(b"")
    (tmp_path / "folder.onnx").mkdir()
    message = "{path} is not an ONNX model (got an empty file). Save it again. [onnx-none]"
    refused(tmp_path / "empty.onnx", BadFile, message)
    message = "{path} is not a file (got a folder). Pass the .onnx file in it. [file-kind]"
    refused(tmp_path / "folder.onnx", BadFile, message)
    message = "{path} cannot be read (got no such file or directory). Check the path. [file-missing]"
    refused(tmp_path / "none.onnx", BadFile, message)


def test_model_without_a_graph_is_refused(tmp_path):
    path = tmp_path / "made.onnx"
    path.write_bytes(onnx.ModelProto(ir_version=8).SerializeToString())
    message = (
        "{path} is not an ONNX model (got no graph with outputs, or no operator set). "
        "Pass a model that onnx.checker accepts. [onnx-none]"
    )
    refused(path, BadFile, message)


def test_unsupported_operator_sets_are_refused(tmp_path):
    newest = onnx.defs.onnx_opset_version()
    rule = f"{{path}} must use operator set 9 to {newest} (got "
    path = saved(model([one("Relu")], (1, 3), opset=8), tmp_path, "old")
    refused(path, BadFile, f"{rule}8). Convert it with onnx.version_converter. [onnx-opset]")
    path = saved(model([one("Relu")], (1, 3), opset=newest + 1), tmp_path, "new")
    refused(path, BadFile, f"{rule}{newest + 1}). Install a newer onnx package. [onnx-opset]")


def test_missing_onnx_package_is_reported(tmp_path, monkeypatch):
    path = saved(conv_model(), tmp_path)
    monkeypatch.setitem(sys.modules, "onnx", None)
    message = "ONNX models need the onnx package, which is not installed. Run `pip install onnx`. [missing-onnx]"
    refused(path, MissingExtra, message)
