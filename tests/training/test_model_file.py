"""Written .safetensors files are valid and reproducible."""

import json

import numpy as np
from safetensors.numpy import load_file, save

from convscope.training.model_io import read_model_file, write_model_file

ARRAYS = {
    "b": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a": np.array([True, False, True]),
    "scalar": np.array(7.5),
    "empty": np.zeros((0, 4), np.float32),
    "step": np.array([2**40], np.int64),
    "transposed": np.arange(10, dtype=np.float64).reshape(5, 2).T,
}


def parts(data):
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def test_files_match_the_library_except_for_order(tmp_path):
    path = tmp_path / "a.safetensors"
    write_model_file(path, ARRAYS, {"seed": 3})
    header, data = parts(path.read_bytes())
    expected_header, expected_data = parts(
        save({name: np.asarray(array, order="C") for name, array in ARRAYS.items()}, header["__metadata__"])
    )
    assert header == expected_header
    assert data == expected_data
    read = load_file(path)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(read[name], array, strict=True)
    assert read_model_file(path).metadata == {"seed": 3}


def test_files_do_not_depend_on_order_of_arrays(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    write_model_file(one, ARRAYS, {"seed": 3, "classes": ["x", "é", "\udcff"]})
    write_model_file(other, dict(reversed(ARRAYS.items())), {"classes": ["x", "é", "\udcff"], "seed": 3})
    assert one.read_bytes() == other.read_bytes()
    assert read_model_file(one).metadata["classes"] == ["x", "é", "\udcff"]


def test_longest_file_name_is_written(tmp_path):
    """The name of the temporary file must not be too long."""
    path = tmp_path / ("é" * 127 + "n")
    write_model_file(path, ARRAYS, {})
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
