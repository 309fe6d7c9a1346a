"""Keras with a backend, whose settings are restored after a test."""

from __future__ import annotations

import pytest

from convscope.interop.keras.backend import require_keras

keras = require_keras()


@pytest.fixture
def channels_first():
    """Set the default data format to channels first."""
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format(before)
