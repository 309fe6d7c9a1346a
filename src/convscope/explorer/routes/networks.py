"""Networks: reports, boxes of units, derivations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...analysis.box_tables import box_tables
from ...analysis.diagnosis import diagnose
from ...analysis.report import inspect
from ...derivations import Explanation, explain
from ...errors import ConvscopeError
from ...layout.boxes import boxes_of, fold
from ...layout.lanes import place
from ...loading import load, zoo_names
from ...network import Network
from ...notation import parse_untrusted, to_notation, to_yaml
from ...text.language import Message, translate
from ..learning import can_learn
from ..lessons.library import SAMPLE_NAME
from ..markup import markup_tree
from ..question import Query, Unit
from ..session import Session, ShownNetwork
from ..wire import FOREVER, arrays_response, error_response, json_response
from .requests import body_of, endpoint, integers, shown_network

LONGEST_NOTATION = 64 << 10


async def add_network(request: Request, session: Session) -> Response:
    """Open a network that the page sends: a name in the zoo, or notation. It runs no code and reads no files."""
    text = (await body_of(request, LONGEST_NOTATION)).decode("utf-8", "replace")

    def read() -> ShownNetwork:
        name = text.strip()
        if name == SAMPLE_NAME:
            return session.sample_network()
        if name in zoo_names():
            return session.add_network(load(name), name)
        return session.add_network(parse_untrusted(text), "notation")

    try:
        shown = await session.analysis.run(read)
    except ConvscopeError as error:
        return error_response(error, **await session.analysis.run(mistake, error, text))
    return json_response({"id": shown.id})


def mistake(error: ConvscopeError, text: str) -> dict[str, Any]:
    """Return the line and column of a mistake in notation, and the layers before it."""
    values = error.message.values if isinstance(error.message, Message) else {}
    row, column = values.get("row"), values.get("column")
    if not isinstance(row, int) or not isinstance(column, int):
        return {}
    lines = text.split("\n")
    before = "\n".join([*lines[: row - 1], lines[row - 1][: column - 1]])
    while before:
        before = before[: max(before.rfind("|"), before.rfind("\n"), 0)]
        try:
            layers = inspect(parse_untrusted(before)).to_dict()["layers"] if before.strip() else []
        except ConvscopeError:
            continue
        return {"line": row, "column": column, "layers": layers}
    return {"line": row, "column": column, "layers": []}


async def network_document(request: Request, session: Session) -> Response:
    """Return a network's report, layout and findings."""
    shown = shown_network(request, session)
    return json_response(await session.analysis.run(describe, shown), cache="private, no-cache")


def describe(shown: ShownNetwork) -> dict[str, Any]:
    """Return the JSON document of a network."""
    network = shown.network
    return {
        "id": shown.id,
        "name": network.name,
        "source": shown.source,
        "weights": shown.weights,
        "run": None if shown.run is None else shown.run.id,
        "can_learn": can_learn(network),
        "reason": None if shown.reason is None else translate(shown.reason),
        "classes": list(shown.given.classes) if shown.given is not None and shown.given.classes else None,
        "notation": _notation(network),
        "report": shown.report.to_dict(),
        "diagram": _diagram(network),
        "findings": [
            {
                **finding.to_dict(),
                "message": translate(finding.message),
                "suggestion": translate(finding.suggestion),
            }
            for finding in diagnose(network)
        ],
    }


def _notation(network: Network) -> str | None:
    try:
        return to_notation(network)
    except ConvscopeError:
        return None


def _diagram(network: Network) -> dict[str, Any]:
    """Return the boxes of the diagram with their columns and lanes, its edges, and its repeated blocks."""
    boxes, repeats = fold(boxes_of(network))
    placed = place([box.sources for box in boxes])
    return {
        "boxes": [
            {"layer": box.name, "members": list(box.members), "column": column, "lane": lane}
            for box, column, lane in zip(boxes, placed.columns, placed.lanes, strict=True)
        ],
        "edges": [list(edge) for edge in placed.edges],
        "repeats": [list(repeat) for repeat in repeats],
    }


async def boxes(request: Request, session: Session) -> Response:
    """Return the boxes of all units as tables: equal tables once, and which of them each layer uses."""
    shown = shown_network(request, session)
    return await session.analysis.run(_boxes, shown.network)


def _boxes(network: Network) -> Response:
    places: dict[bytes, int] = {}
    columns: list[np.ndarray[Any, np.dtype[np.int32]]] = []
    sizes: list[int] = []
    layers: list[list[list[int | None]] | None] = []
    for table in box_tables(network):
        if table.axes is None:
            layers.append(None)
            continue
        entries: list[list[int | None]] = []
        for axis in table.axes:
            edges = np.stack(axis[1:]).astype(np.int32)
            key = edges.tobytes()
            if key not in places:
                places[key] = len(columns)
                columns.append(edges)
                sizes.append(edges.shape[1])
            entries.append([places[key], axis.axis])
        layers.append(entries)
    edges = np.concatenate(columns, axis=1) if columns else np.zeros((4, 0), np.int32)
    return arrays_response({"edges": edges}, {"sizes": sizes, "layers": layers}, FOREVER)


async def forms(request: Request, session: Session) -> Response:
    """Return a network as notation and as YAML; null where it has no such form."""
    network = shown_network(request, session).network

    def write() -> dict[str, str | None]:
        try:
            yaml = to_yaml(network)
        except ConvscopeError:
            yaml = None
        return {"notation": _notation(network), "yaml": yaml}

    return json_response(await session.analysis.run(write), cache=FOREVER)


def derivation_list(whole: Explanation, lang: str) -> dict[str, Any]:
    """Return the names and titles of the quantities that are derived."""
    return {"quantities": [one.quantity for one in whole], "titles": [one.title.to(lang) for one in whole]}


def derivation_document(chosen: Explanation, lang: str) -> dict[str, Any]:
    """Return a derivation as a tree of elements, and as LaTeX."""
    return {
        "tree": markup_tree(chosen.html(lang, fragment=True)),
        "latex": chosen.latex(lang, fragment=True),
    }


async def derivation(request: Request, session: Session) -> Response:
    """Return the derivation of one quantity of a layer as a tree of elements, or the list of quantities."""
    shown = shown_network(request, session)
    layer, quantity = request.query_params.get("layer", ""), request.query_params.get("quantity")
    lang = request.query_params.get("lang", "en")
    at = integers(request, "at") if "at" in request.query_params else None

    def derive() -> Any:
        if quantity is None:
            return derivation_list(explain(shown.network, layer, at), lang)
        return derivation_document(explain(shown.network, layer, at, quantity), lang)

    return json_response(await session.analysis.run(derive))


def recorded_of_network(shown: ShownNetwork, units: Sequence[Unit]) -> Iterator[Query]:
    """Yield what an export records of a network."""
    path = f"/api/networks/{shown.id}"
    yield Query(path, localized=True)
    yield Query(f"{path}/boxes")
    yield Query(f"{path}/forms")
    for unit in units:
        place = {"layer": unit.layer, "at": unit.at}
        yield Query(f"{path}/region", place)
        yield Query(f"{path}/mask", place)


routes = [
    Route("/api/networks", endpoint(add_network), methods=["POST"]),
    Route("/api/networks/{network}", endpoint(network_document)),
    Route("/api/networks/{network}/boxes", endpoint(boxes)),
    Route("/api/networks/{network}/forms", endpoint(forms)),
    Route("/api/networks/{network}/derivation", endpoint(derivation)),
]
