"""Files of other programs that are no MODEL by themselves, and what leads to a network from each."""

from __future__ import annotations

from pathlib import Path

from ..errors import UnknownModel

_MODULE = (
    "a PyTorch module or its weights, which need the code that builds them",
    "name that code: torch:package.module:callable with --input, or cs.from_torch(module, input_shape) in Python",
)
_KERAS = (
    "a Keras model",
    "load it by keras:keras.models:load_model --arg filepath={path}, or pass keras.models.load_model({path!r}) to "
    "cs.from_keras in Python",
)
_TENSORFLOW = (
    "a TensorFlow graph",
    "convert it to ONNX with tf2onnx, and name the .onnx file",
)

ADVICE = {
    ".pt": _MODULE,
    ".pth": _MODULE,
    ".safetensors": (
        "weights without a network",
        "name the code that builds the network: torch:package.module:callable",
    ),
    ".keras": _KERAS,
    ".h5": _KERAS,
    ".tflite": _TENSORFLOW,
    ".pb": _TENSORFLOW,
}
"""What a file of each suffix holds, and what to do instead."""


def refuse_foreign(path: str) -> UnknownModel:
    """Return the error for such a file."""
    suffix = Path(path).suffix.lower()
    holds, hint = ADVICE[suffix]
    return UnknownModel(
        f"a {suffix} file cannot be read as a model: it holds {holds}; got model={path!r}; "
        f"{hint.format(path=path)}. [model-file]"
    )
