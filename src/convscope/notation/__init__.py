"""The notation: text and YAML to a network, and back."""

from __future__ import annotations

from ..errors import BadSetting
from ..network import Network
from ..text.lists import join_or
from .build import build
from .grammar import read_text
from .limits import Limits, limited
from .write import to_notation, to_yaml

__all__ = ["Limits", "parse", "parse_json", "parse_untrusted", "parse_yaml", "to_notation", "to_yaml"]


def parse(text: str, name: str = "network") -> Network:
    """Return the network that a text in line notation describes.

    Errors:   BadNotation with line, column and a hint; BadShape and BadSetting of the layers, with the same

    >>> parse("input 1x28x28 | conv 32 3 same | relu | maxpool 2 | flatten | dense 10")["dense1"].output_shape
    (10,)
    """
    return build(read_text(text), name)


def parse_yaml(text: str, name: str = "network") -> Network:
    """Return the network that a YAML document describes; its own `name` goes before the one given."""
    from .document import read_yaml

    document = read_yaml(text)
    return build(document, document.name or name)


def parse_json(text: str, name: str = "network") -> Network:
    """Return the network that a JSON document of the same structure describes."""
    from .document import read_json

    document = read_json(text)
    return build(document, document.name or name)


_READERS = {"notation": parse, "yaml": parse_yaml, "json": parse_json}


def parse_untrusted(text: str, limits: Limits | None = None, form: str = "notation") -> Network:
    """Return the network that a text from others describes, within limits on its size and on the time.

    Unlike `load`, this reads no files and imports nothing, whatever the text names. It ends with a network or an
    error, also for texts that were made to exhaust memory or time.

    Args:
        text: The text.
        limits: The limits (default: `Limits()`).
        form: "notation", "yaml" or "json".

    Raises:
        BadNotation: For no network, or one beyond a limit: [limit-text], [limit-axis], [limit-elements],
            [limit-parameters], [limit-time], [too-large], [too-deep].
        BadShape: As `parse`.
        BadSetting: As `parse`; [form], [text-type].

    >>> parse_untrusted("input 1x28x28 | conv 8 3 | relu")["conv1"].output_shape
    (8, 26, 26)
    """
    if form not in _READERS:
        raise BadSetting(
            "form must be {known} (got {got!r}). Use {usual!r} for a line of notation. [form]",
            known=join_or(_READERS),
            got=form,
            usual="notation",
        )
    if not isinstance(text, str):
        raise BadSetting(
            "text must be a str (got {got}). Decode bytes first. [text-type]", got=type(text).__name__
        )
    with limited(text, limits or Limits()):
        return _READERS[form](text)
