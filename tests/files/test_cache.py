"""Cache folders of the user."""

import os
import sys

import pytest

from convscope.files.cache import cache_folder, is_cache_disabled

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the paths are those of Linux")


def test_cache_folder_follows_xdg(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "convscope"
    assert cache_folder("images", "a") == tmp_path / "convscope" / "images" / "a"


def test_cache_folder_defaults_to_home(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder("objects") == tmp_path / ".cache" / "convscope" / "objects"


def test_cache_folder_without_home_is_none(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert cache_folder() is None


@pytest.mark.parametrize(
    ("value", "disabled"), [("off", True), ("OFF", True), ("0", True), ("", True), ("/c", False)]
)
def test_cache_is_disabled_by_variable(monkeypatch, value, disabled):
    monkeypatch.setenv("CONVSCOPE_CACHE", value)
    assert is_cache_disabled() is disabled
    monkeypatch.delenv("CONVSCOPE_CACHE")
    assert not is_cache_disabled()
