"""The folder of caches, and the setting that disables them."""

from __future__ import annotations

import os
from pathlib import Path

_OFF = ("off", "0", "")


def cache_folder(*parts: str) -> Path | None:
    """Return convscope's folder in the user's cache directory, or one below it.

    Linux: $XDG_CACHE_HOME/convscope or ~/.cache/convscope. macOS: ~/Library/Caches/convscope.
    Windows: %LOCALAPPDATA%/convscope. None if the home directory cannot be determined. A relative XDG_CACHE_HOME
    is ignored, as the XDG base directory specification requires.
    """
    from platformdirs import user_cache_path

    try:
        base = user_cache_path("convscope", appauthor=False, opinion=False)
    except RuntimeError:  # without a home directory new versions raise, older ones leave the "~" in place
        return None
    return base.joinpath(*parts) if base.is_absolute() else None


def is_cache_disabled() -> bool:
    """Return whether CONVSCOPE_CACHE is "off", "0" or empty."""
    named = os.environ.get("CONVSCOPE_CACHE")
    return named is not None and named.lower() in _OFF
