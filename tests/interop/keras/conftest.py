"""Keras with a backend, whose settings are put back after a test."""

from __future__ import annotations

import pytest

from convscope.interop.keras.backend import imported

keras = imported()


@pytest.fixture
def channels_first():
    """Let layers that are not told otherwise have their channels first."""
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format(before)
