"""Answers of the server that are recorded for a page in one file."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from starlette.applications import Starlette
from starlette.types import Message as Event

from ..arrays import Array
from ..derivations import explain
from ..errors import ConvscopeError
from ..text.language import LANGUAGES
from .question import Query, Unit
from .recipes import recipe
from .routes.networks import derivation_document, derivation_list
from .routes.values import kernel_of
from .session import Session, ShownImage, ShownNetwork
from .wire import finite

JSON = "application/json"


class Answer(NamedTuple):
    """The answer of the server."""

    status: int
    media_type: str
    body: bytes

    @property
    def document(self) -> Any:
        """Return the body, read as JSON."""
        return json.loads(self.body)


async def ask(app: Starlette, question: Query, language: str = "en") -> Answer:
    """Return the application's answer to a question, without a connection."""
    status, media_type, parts = 0, "", []

    async def receive() -> Event:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(event: Event) -> None:
        nonlocal status, media_type
        if event["type"] == "http.response.start":
            status = event["status"]
            headers = {name.lower(): value for name, value in event["headers"]}
            media_type = headers.get(b"content-type", b"").decode()
        elif event["type"] == "http.response.body":
            parts.append(event.get("body", b""))

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": question.path,
        "raw_path": question.path.encode(),
        "root_path": "",
        "query_string": question.query(language).encode(),
        "headers": [],
    }
    await app(scope, receive, send)
    return Answer(status, media_type, b"".join(parts))


class Recording:
    """Recorded answers and arrays, packed into chunks.

    Chunk 0 is the index, whose form `static/app/recorded.js` describes. The others are unpacked one by one.
    `size` counts their characters in base64.
    """

    def __init__(self) -> None:
        self.documents: dict[str, Any] = {}
        self.recipes: dict[str, Any] = {}
        self._arrays: dict[str, int] = {}
        self._tensors: dict[str, Any] = {}
        self._chunks: list[bytes] = []
        self.size = 0

    async def add(self, app: Starlette, question: Query) -> bool:
        """Record the answer to a question, in each language if it depends on that, unless it is an error."""
        for language in LANGUAGES if question.localized else LANGUAGES[:1]:
            answer = await ask(app, question, language)
            if answer.status != 200:
                return False
            if answer.media_type.startswith(JSON):
                key = f"{question.key}#{language}" if question.localized else question.key
                self.documents[key] = answer.document
            else:
                self._arrays[question.key] = self._add_chunk(_pack(answer.body))
        return True

    def add_localized(self, question: Query, answer: Callable[[str], Any]) -> None:
        """Record an answer in each language, unless it is recorded."""
        for language in LANGUAGES:
            key = f"{question.key}#{language}"
            if key not in self.documents:
                self.documents[key] = answer(language)

    def add_tensors(self, tensors: Mapping[str, Array], limit: int) -> bool:
        """Record arrays by name, all or none: none if the recording would become larger than a limit."""
        new = {name: array for name, array in tensors.items() if name not in self._tensors}
        if self.size + sum(array.nbytes for array in new.values()) // 8 > limit:
            return False  # far too large to try
        packed = {
            name: _pack(np.ascontiguousarray(array, np.dtype("<f4")).tobytes()) for name, array in new.items()
        }
        if self.size + sum(_encoded(one) for one in packed.values()) > limit:
            return False
        for name, array in new.items():
            self._tensors[name] = {"chunk": self._add_chunk(packed[name]), "shape": list(array.shape)}
        return True

    def missing_bytes(self, tensors: Mapping[str, Array]) -> int:
        """Return the bytes of those arrays that are not recorded."""
        return sum(array.nbytes for name, array in tensors.items() if name not in self._tensors)

    def chunks(self) -> list[bytes]:
        """Return the chunks, the index first."""
        index = {
            "documents": self.documents,
            "arrays": self._arrays,
            "tensors": self._tensors,
            "recipes": self.recipes,
        }
        text = json.dumps(finite(index), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return [_pack(text.encode()), *self._chunks]

    def _add_chunk(self, packed: bytes) -> int:
        self._chunks.append(packed)
        self.size += _encoded(packed)
        return len(self._chunks)  # the index is number 0


def _pack(content: bytes) -> bytes:
    """Return bytes compressed; the same ones for the same content."""
    return gzip.compress(content, 6, mtime=0)


def _encoded(packed: bytes) -> int:
    """Return how many characters bytes have in base64."""
    return -(-len(packed) // 3) * 4


async def record_network(
    app: Starlette, recording: Recording, shown: ShownNetwork, images: Sequence[ShownImage], pins: Sequence[Unit]
) -> None:
    """Record what the page shows of a network: its documents, and for each image values and some units."""
    from .app import MODULES

    units = chosen_units(shown, pins)
    for module in MODULES:
        for question in getattr(module, "recorded_of_network", _none)(shown, units):
            await recording.add(app, question)
        if shown.weights != "none":
            for image in images:
                for question in getattr(module, "recorded_of_image", _none)(shown, image, units):
                    await recording.add(app, question)
    session: Session = app.state.session
    await session.analysis.run(_record_derivations, recording, shown, units, pins)
    if shown.weights != "none":
        for image in images:
            await _record_targets(app, recording, shown, image, units)


def _none(*_arguments: object) -> Iterable[Query]:
    return ()


def chosen_units(shown: ShownNetwork, pins: Sequence[Unit]) -> list[Unit]:
    """Return the pinned units, and the middle one of every layer, channel 0."""
    known = {node.name: node.output_shape for node in shown.network}
    kept = [
        unit
        for unit in pins
        if len(unit.at) == len(known.get(unit.layer, ()))
        and all(0 <= i < n for i, n in zip(unit.at, known[unit.layer], strict=True))
    ]
    middles = [Unit(node.name, middle_of(node.output_shape)) for node in shown.network]
    return list(dict.fromkeys([*kept, *middles]))


def middle_of(shape: Sequence[int]) -> tuple[int, ...]:
    """Return the index of the unit in the middle, as the page selects it."""
    return (*([0] if len(shape) > 1 else []), *(n // 2 for n in shape[1 if len(shape) > 1 else 0 :]))


DEEP = 60
"""Layers from which on derivations that are as long as a network is deep are recorded of pinned layers only."""

_AS_LONG_AS_DEEP = ("receptive_field", "receptive_field_backward", "center")


def _record_derivations(
    recording: Recording, shown: ShownNetwork, units: Sequence[Unit], pins: Sequence[Unit]
) -> None:
    """Record the derivations: once where they are the same for all units of a layer, else for the chosen units."""
    network = shown.network
    for layer in dict.fromkeys(unit.layer for unit in units):
        if not network[layer].inputs:
            continue
        names = [one.quantity for one in explain(network, layer)]
        if len(network.nodes) > DEEP and layer not in {pin.layer for pin in pins}:
            names = [name for name in names if name not in _AS_LONG_AS_DEEP]
        shape = network[layer].output_shape
        places = [unit.at[1:] for unit in units if unit.layer == layer] if len(shape) == 3 else [None]
        corner = (0, 0) if places[0] != (0, 0) else tuple(n - 1 for n in shape[1:])
        other = explain(network, layer, corner, names) if len(shape) == 3 else None
        path = f"/api/networks/{shown.id}/derivation"
        for at in places:
            own = explain(network, layer, at, names)
            question = Query(path, {"layer": layer, "at": at}, localized=True)
            recording.add_localized(question.without("at"), partial(derivation_list, own))
            for name in dict.fromkeys(one.quantity for one in own):
                same = other is None or at == corner or own.of(name) == other.of(name)
                asked = question._replace(parameters={**question.parameters, "quantity": name})
                asked = asked.without("at") if same else asked
                chosen = own.only(name)
                recording.add_localized(asked, partial(derivation_document, chosen))


async def _record_targets(
    app: Starlette, recording: Recording, shown: ShownNetwork, image: ShownImage, units: Sequence[Unit]
) -> None:
    """Record the gradients of the class with the highest score, and which pixels it depends on."""
    path = f"/api/values/{shown.id}/{image.id}"
    scores = recording.documents.get(Query(f"{path}/scores").key)
    if not scores or not scores["classes"]:
        return
    best = scores["classes"][0]["index"]
    for unit in units:
        await recording.add(app, Query(f"{path}/unit", {"layer": unit.layer, "at": unit.at, "target": best}))
    for placement in ("exact", "resize"):
        about = {"target": best, "method": "grad-cam", "placement": placement}
        await recording.add(app, Query(f"{path}/attribution", about))


async def record_arrays(
    session: Session,
    recording: Recording,
    shown: ShownNetwork,
    image: ShownImage,
    pins: Sequence[Unit],
    limit: int,
) -> list[str]:
    """Record outputs and weights of as many layers as a limit allows, and return the layers that are left out.

    The layers of the pins are first, then those that need the fewest bytes.
    """
    if shown.weights == "none":
        return []
    outputs = await session.forward.run(session.outputs, shown, image)
    needs = {node.name: dict(_needs(recording, shown, image, node.name, outputs)) for node in shown.network}
    waiting = [name for name in dict.fromkeys(unit.layer for unit in pins) if name in needs]
    others = set(needs) - set(waiting)
    left: list[str] = []
    while waiting or others:
        if waiting:
            name = waiting.pop(0)
        else:
            name = min(others, key=lambda one: (recording.missing_bytes(needs[one]), one))
            others.remove(name)
        if not await session.analysis.run(recording.add_tensors, needs[name], limit):
            left.append(name)
    return left


def _needs(
    recording: Recording, shown: ShownNetwork, image: ShownImage, name: str, outputs: Mapping[str, Array]
) -> Iterator[tuple[str, Array]]:
    """Yield the arrays of which the units of a layer are computed, and note the layer's recipe."""
    node = shown.network[name]
    key = f"{shown.id}/{name}"
    if key not in recording.recipes:
        try:
            found = recipe(shown.model, node)
            recording.recipes[key] = None if found is None else {**found, "kernel": kernel_of(shown.model, name)}
        except ConvscopeError:
            recording.recipes[key] = None
    found = recording.recipes[key]
    yield f"{shown.id}/{image.id}/{name}", outputs[name]
    if found is not None:
        for source in node.inputs:
            yield f"{shown.id}/{image.id}/{source}", outputs[source]
        for parameter in found.get("parameters", ()):
            yield f"{shown.id}/{parameter}", shown.model.parameters[parameter]
