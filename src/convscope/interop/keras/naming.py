"""Models by name: `keras:package.module:callable`, or with arguments `keras:package.module:callable(depth=3)`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ...errors import BadSetting
from ...input_shapes import InputShape
from ..import_spec import Named, Scheme, called, looked_up, not_a_model, read_name
from .backend import imported
from .importer import from_keras

if TYPE_CHECKING:
    from ...network import Network

SCHEME = Scheme("keras", "a Keras model", "keras:keras.applications:ResNet50")

_NUMBERS = "object_name_uids"
"""Where Keras counts the layers of each kind that were made without a name."""

_UNINITIALIZED = "uninitialized_variables"
"""Where Keras lists the weights that it will initialize when it leaves a stateless scope."""


def load_model(model: str, input_shape: InputShape | None = None) -> Network:
    """Return the network of a named model, or of what a named callable returns.

    Units:    input_shape is one shape, or a mapping from input names to shapes, channels first, batch left out
    Errors:   UnknownModel [keras-name], [keras-import], [keras-callable]; BadSetting [keras-arguments],
              [keras-raised], [keras-model]; and those of `from_keras`
    """
    named = read_name(model, SCHEME)
    keras = imported()
    found = looked_up(named)
    if not isinstance(found, keras.Model):
        found = _built(found, named)
    if not isinstance(found, keras.Model):
        raise not_a_model(found, named)
    return from_keras(found, input_shape, name=named.attribute.rpartition(".")[2])


def _built(found: Any, named: Named) -> Any:
    with _names_from_the_beginning():
        try:
            with without_weights():
                return called(found, named)
        except BadSetting:  # values may be needed to build it
            return called(found, named)


@contextmanager
def _names_from_the_beginning() -> Iterator[None]:
    """Let Keras number unnamed layers from the beginning, so that a model's names are the same each time."""
    from keras.src.backend.common import global_state

    before = global_state.get_global_attribute(_NUMBERS)
    global_state.set_global_attribute(_NUMBERS, None)
    try:
        yield
    finally:
        global_state.set_global_attribute(_NUMBERS, before)


@contextmanager
def without_weights() -> Iterator[None]:
    """Let Keras build models whose weights have shapes and take no memory."""
    import keras
    from keras.src.backend.common import global_state

    if keras.backend.backend() == "torch":  # a PyTorch module holds the tensors of its weights from the beginning
        with keras.device("meta"):
            yield
        return
    before = list(global_state.get_global_attribute(_UNINITIALIZED) or [])
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:  # else Keras initializes these weights where it next infers a shape
        global_state.set_global_attribute(_UNINITIALIZED, before)
