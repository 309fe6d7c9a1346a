"""Construction of a Network from the flat list of layers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from ..errors import ConvscopeError, suggest
from ..layers.base import Layer, ParamShapes
from ..layers.connection import Shape
from ..layers.facts import Facts, facts
from ..layers.structural import Identity
from ..network import Entry, Network, failed, freezable, in_dependency_order
from ..settings import FieldType, Owner
from ..text.language import Message
from ..text.lists import listed
from .arguments import FROZEN, Arguments, read_arguments
from .expand import Draft, Expansion, expand
from .grammar import Document, Word, called_from, located, mistake
from .keywords import Kind, find, numbered, suggest_kinds
from .limits import watch


class _Read(NamedTuple):
    """A draft with the meaning of its words."""

    draft: Draft
    kind: Kind
    arguments: Arguments


def build(document: Document, name: str) -> Network:
    """Return the network that a document describes.

    Errors:   BadNotation for unknown words; a layer's own errors with their location
    """
    expansion = expand(document)
    if not expansion.drafts:
        raise mistake(
            document.start,
            Message(
                "A network must begin with its input (got no layers). Write `input 3x224x224`.",
            ),
            "no-input",
        )
    layers = [_read(draft, document.blocks) for draft in expansion.drafts]
    first = layers[0]
    if not first.kind.is_input:
        raise mistake(
            first.draft.at,
            Message(
                "A network must begin with its input (got {got!r}). Write `input 3x224x224` first.",
                got=first.draft.kind.text,
            ),
            "no-input",
        )
    names = _names(layers, expansion)
    known = dict(zip(names, names, strict=True))
    for group, last in expansion.groups.items():
        known[group] = names[last]
    entries = []
    for one, own in zip(layers, names, strict=True):
        with _calls_named(one.draft):
            entries.append(_connected(one, own, names, known))
    network = _with_layers(entries, dict(zip(names, layers, strict=True)), name)
    return _with_frozen(network, document.frozen) if document.frozen else network


def _with_frozen(network: Network, patterns: tuple[Word, ...]) -> Network:
    """Return the network with the layers that a document lists as frozen, beside those frozen by a word."""
    for pattern in patterns:
        try:
            network.with_frozen(pattern.text)
        except ConvscopeError as error:
            raise located(error, pattern.place) from None
    frozen = network.with_frozen(*(pattern.text for pattern in patterns)).entries
    both = zip(network.entries, frozen, strict=True)
    return Network([one._replace(frozen=other.frozen or one.frozen) for one, other in both], network.name)


@contextmanager
def _calls_named(draft: Draft) -> Iterator[None]:
    """Add to errors where the block with this layer was called."""
    try:
        yield
    except ConvscopeError as error:
        raise (called_from(error, draft.caller) if draft.caller else error) from None


def _read(draft: Draft, blocks: Iterable[str]) -> _Read:
    with _calls_named(draft):
        kind = find(draft.kind.text)
        if kind is None:
            raise mistake(
                draft.kind.place,
                Message(
                    "A layer must begin with a known word (got {got!r}). {hint}",
                    got=draft.kind.text,
                    hint=suggest_kinds(draft.kind.text, blocks),
                ),
                "unknown-kind",
            )
        return _Read(draft, kind, read_arguments(kind, draft.kind.place, draft.arguments, draft.joined))


def _names(layers: list[_Read], expansion: Expansion) -> list[str]:
    """Return every layer's name; unnamed ones get numbers that nothing else has."""
    taken = set(expansion.groups)
    for draft, _, _ in layers:
        if draft.name is None:
            continue
        if draft.name in taken:
            raise mistake(
                draft.at,
                Message(
                    "Names must be unique (got {got!r} a second time). Rename one.",
                    got=draft.name,
                ),
                "duplicate-name",
            )
        taken.add(draft.name)
    last: dict[str, int] = {}
    names = []
    for draft, kind, _ in layers:
        if draft.name is not None:
            names.append(draft.name)
            continue
        base = draft.prefixes[0] + kind.base
        number = last.get(base, 0) + 1
        while (name := numbered(base, number)) in taken:
            number += 1
        last[base] = number
        taken.add(name)
        names.append(name)
    return names


def _connected(one: _Read, name: str, names: list[str], known: Mapping[str, str]) -> Entry:
    """Return the layer's place in the graph; what layer it is depends on shapes and is found later."""
    draft, kind, arguments = one
    if kind.is_input:
        inputs: tuple[str, ...] = ()
    elif arguments.inputs is None:
        inputs = tuple(names[source] for source in draft.sources)
    else:
        inputs = tuple(_found(word, draft.prefixes, known) for word in arguments.inputs)
    shares = _found(arguments.shares, draft.prefixes, known) if arguments.shares else None
    return Entry(name, Identity(), inputs, shares)


def _found(word: Word, prefixes: tuple[str, ...], known: Mapping[str, str]) -> str:
    """Return the layer that a name means: the innermost block's names first, then those around it."""
    for prefix in prefixes:
        if prefix + word.text in known:
            return known[prefix + word.text]
    raise mistake(
        word.place,
        Message(
            "A name must be that of a layer (got {got!r}). {hint}",
            got=word.text,
            hint=suggest(prefixes[0] + word.text, known),
        ),
        "unknown-input",
    )


def _with_layers(entries: list[Entry], layers: Mapping[str, _Read], name: str) -> Network:
    shapes: dict[str, Shape] = {}
    params: dict[str, ParamShapes] = {}
    done: list[Entry] = []
    watching = watch()
    for given in in_dependency_order(entries):
        one = layers[given.name]
        inputs = tuple(shapes[source] for source in given.inputs)
        with _calls_named(one.draft):
            layer = _layer(one, inputs)
            entry = given._replace(layer=layer)
            try:
                one.kind.check(layer, inputs)
                known = facts(layer, inputs)
            except ConvscopeError as error:
                whole = failed(error, entry, inputs, list(Network(done, name).nodes))
                raise located(whole, one.draft.kind.place) from None
            entry = entry._replace(frozen=_frozen(one, known))
            wrong = entry.shares is not None and (entry.frozen or params[entry.shares] != known.param_shapes)
            if wrong:
                try:
                    Network([*done, entry], name)  # which says what is wrong
                except ConvscopeError as error:
                    raise located(error, one.draft.kind.place) from None
        if watching is not None:
            watching.check_layer(known.output_shape, known.param_shapes.values())
        shapes[entry.name] = known.output_shape
        params[entry.name] = known.param_shapes
        done.append(entry)
    return Network(done, name)


def _frozen(one: _Read, known: Facts) -> tuple[str, ...]:
    """Return the parameters that the layer's words freeze.

    Errors:   BadNotation [frozen-name]
    """
    names = freezable(known)
    words = one.arguments.frozen
    if not words or (words[0].text == FROZEN and names):
        return names if words else ()
    for word in words:
        if word.text not in names:
            raise mistake(word.place, _not_frozen(word.text, names), "frozen-name")
    return tuple(word.text for word in words)


def _not_frozen(got: str, names: tuple[str, ...]) -> Message:
    if not names:
        return Message("frozen needs a layer with parameters. Remove {got!r}.", got=got)
    if got == FROZEN:
        return Message("frozen must be the only word about freezing. Remove the others.")
    return Message(
        "frozen must name parameters of the layer (got {got!r}). Use {names}.", got=got, names=listed(names)
    )


def _layer(one: _Read, inputs: tuple[Shape, ...]) -> Layer:
    kind, settings = one.kind, one.arguments.settings
    try:
        return kind.make(tuple([(name, word.text) for name, word in settings.items()]), inputs)
    except ValueError as error:
        layer = kind.fitting(inputs)
        owner = Owner(layer.__name__, layer.rank)
        for name, word in settings.items():
            _check_value(kind.settings[name], owner, name, word)
        if isinstance(error, ConvscopeError):
            raise located(error, one.draft.kind.place) from None
        raise


def _check_value(form: FieldType, owner: Owner, name: str, word: Word) -> None:
    """Raise the error that points at this word, if it is the wrong one."""
    try:
        value = form.parse(word.text)
    except ValueError:
        text = word.text if len(word.text) <= 40 else f"{word.text[:40]}…"
        raise mistake(
            word.place,
            Message(
                "{layer}.{setting} must be {spelling} (got {got!r}).",
                layer=owner.kind,
                setting=name,
                spelling=form.spelling,
                got=text,
            ),
            "value",
        ) from None
    try:
        form.canonical(value, owner, name)
    except ConvscopeError as error:
        raise located(error, word.place) from None
