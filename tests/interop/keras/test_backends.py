"""Other backends of Keras: parameters, shapes and, for a small model, values are those of the backend in use.

JAX and TensorFlow are tried where CONVSCOPE_BACKENDS names a folder that holds them (`make test-frameworks`). Each
runs in a process of its own: Keras has one backend in each.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKS = Path(__file__).with_name("backend_checks.py")
FOLDER = os.environ.get("CONVSCOPE_BACKENDS", "")
FAMILIES = ["MobileNetV2", "ResNet50V2", "DenseNet121", "EfficientNetB0", "ConvNeXtTiny", "NASNetMobile"]


@pytest.mark.parametrize("backend", ["torch", *(["jax", "tensorflow"] if FOLDER else [])])
def test_networks_match_the_backend_in_use(backend):
    paths = [FOLDER] if FOLDER and backend != "torch" else []
    kept = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    kept["PYTHONPATH"] = os.pathsep.join([*map(os.path.abspath, paths), *sys.path])
    families = FAMILIES if paths else []
    command = [sys.executable, "-W", "ignore", str(CHECKS), *families]
    done = subprocess.run(command, capture_output=True, text=True, env=kept, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip().endswith(f"{backend} agrees")
