"""--config: options of a verb written in a YAML file; the command line goes before it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..errors import BadFile, BadNotation, BadSetting, nearest
from ..files.regular import open_regular

LARGEST_FILE = 1 << 20


def read_configuration(context: click.Context, _param: click.Parameter, path: str | None) -> str | None:
    """Take the file's values as defaults of the verb's options.

    Keys are the options' names, with or without hyphens; values are read as if they were typed.

    Errors:   BadFile [config-file]; BadSetting [config-key], [config-value]
    """
    if path is None:
        return None
    known = {_key(param): param for param in context.command.params if param.name != "config"}
    known.pop("help", None)
    values: dict[str, Any] = {}
    for line, key, value in _pairs(path):
        name = key.replace("-", "_")
        if name not in known:
            raise BadSetting(
                f"{path}, line {line}: a key must be an option of `{context.command_path}`; got {key!r}; "
                f"{nearest(name, known)} [config-key]"
            )
        param = known[name]
        try:
            param.type_cast_value(context, value)
        except click.BadParameter as error:
            raise BadSetting(
                f"{path}, line {line}: {key} must be a value of its option; got {value!r}: "
                f"{error.message.removesuffix('.')}; see `{context.command_path} --help`. [config-value]"
            ) from None
        assert param.name is not None
        values[param.name] = value
    context.default_map = {**(context.default_map or {}), **values}
    return path


def _key(param: click.Parameter) -> str:
    """Return how users know an option: "json" for the one whose value is called as_json."""
    longest = max(param.opts, key=len)
    return longest.lstrip("-").replace("-", "_")


def _pairs(path: str) -> list[tuple[int, str, str]]:
    """Return line, key and text of every pair."""
    from ..notation.yaml_tree import Scalar, YamlMapping, read_tree

    try:
        tree = read_tree(_text(Path(path)))
    except BadNotation as error:
        raise BadFile(f"{path}: {error}") from None
    if not isinstance(tree, YamlMapping):
        raise BadFile(
            f"{path!r} must hold `option: value`, one a line; got something else; "
            "write for example `epochs: 5`. [config-file]"
        )
    pairs = []
    for key, value in tree.pairs:
        if not isinstance(value, Scalar):
            raise BadSetting(
                f"{path}, line {key.place.row}: {key.text} must have one value; got a list or mapping; "
                f"write `{key.text}: value`. [config-value]"
            )
        pairs.append((key.place.row, key.text, value.text))
    return pairs


def _text(path: Path) -> str:
    try:
        with open_regular(path) as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise ValueError("more than 1 MiB")
        return content.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise BadFile(
            f"{str(path)!r} must be a YAML file that can be read; got an error ({reason}); check the path. "
            "[config-file]"
        ) from None
