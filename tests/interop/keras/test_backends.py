"""Models on Keras' other backends: JAX and TensorFlow give the same networks, and compute the same values.

Keras has one backend in each process. The tests of layers, functions and weights, and one network per family of
keras.applications, therefore run in a process per backend. CONVSCOPE_BACKENDS names the folder that holds both
(`make test-frameworks` makes it).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = os.environ.get("CONVSCOPE_BACKENDS")
WHY_NOT = "CONVSCOPE_BACKENDS names no folder with JAX and TensorFlow; `make test-frameworks` makes one"
ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent.relative_to(ROOT).as_posix()

FAMILIES = ["VGG16", "ResNet50", "ResNet50V2", "MobileNet", "MobileNetV2", "MobileNetV3Small", "DenseNet121"]
FAMILIES += ["InceptionV3", "Xception", "EfficientNetB0", "EfficientNetV2B0", "NASNetMobile", "ConvNeXtTiny"]

TESTS = [f"{HERE}/test_{subject}.py" for subject in ("layers", "functions", "weights", "named_models")]
TESTS += [f"{HERE}/test_applications.py::test_models_are_imported_completely[{family}]" for family in FAMILIES]

REFUSED_BY_KERAS = {
    "jax": {
        "layers.py::test_other_attention_is_converted_in_parts[widths]": "values as wide as keys only",
        "layers.py::test_layers_without_effect_at_inference_are_identities[RandomRotation]": "a warning about its own structure of inputs",
        "layers.py::test_layers_without_effect_at_inference_are_identities[RandomZoom]": "a warning about its own structure of inputs",
        "functions.py::test_arithmetic[cast]": "no float64 unless JAX is set so",
    },
    "tensorflow": {
        "layers.py::test_flatten_order_is_channels_last_for_any_data_format": "no convolution of channels first",
        "weights.py::test_functions_of_weights_become_layers[stack]": "ops.stack of a variable raises",
    },
}
"""Tests whose model Keras itself does not run on a backend, with reasons."""


@pytest.mark.skipif(not FOLDER, reason=WHY_NOT)
@pytest.mark.parametrize("backend", REFUSED_BY_KERAS)
def test_networks_match_keras_on_other_backends(backend):
    environment = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "CONVSCOPE_FRAMEWORKS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    environment["PYTHONPATH"] = os.pathsep.join([os.path.abspath(str(FOLDER)), *sys.path])
    left_out = [f"--deselect={HERE}/test_{test}" for test in REFUSED_BY_KERAS[backend]]
    command = [sys.executable, "-m", "pytest", "-v", "--tb=short", "-p", "no:xdist", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *left_out, *TESTS], capture_output=True, text=True, env=environment, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert re.search(rf"\d+ passed, {len(left_out)} deselected in", done.stdout), done.stdout[-500:]
