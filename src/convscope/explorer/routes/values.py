"""Values of a network for an image: small maps of all layers, maps, scores, and the arithmetic of one unit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...arrays import Array
from ...inside.terms import UnitTerms
from ...model import Model
from ...text.language import Message
from ..question import Query, Unit
from ..session import Session, ShownImage, ShownNetwork
from ..wire import FOREVER, arrays_response, json_response
from .requests import Refusal, endpoint, integer, integers, shown_image, shown_network

SIDE = 32
"""Pixels of the longer side of a small map."""

SMALL_MAPS = 16
"""Small maps of a layer."""

PAGE = 64
"""Maps of one answer, at most."""


def maps_of(output: Array) -> Array:
    """Return a layer's output as maps (channels, rows, columns)."""
    if output.ndim == 3:
        return output
    if output.ndim == 1:
        return output.reshape(1, 1, -1)
    if output.ndim == 2:
        return output[:, None, :]
    return output.reshape(len(output), -1, output.shape[-1])


async def thumbnails(request: Request, session: Session) -> Response:
    """Return small maps of every layer: bytes from 0 (the lowest value of a map) to 255 (the highest)."""
    shown, image = shown_network(request, session), shown_image(request, session)
    return await session.forward.run(_thumbnails, session, shown, image)


def _thumbnails(session: Session, shown: ShownNetwork, image: ShownImage) -> Response:
    outputs = session.outputs(shown, image)
    pieces: list[Array] = []
    layers: list[dict[str, Any]] = []
    for name, output in outputs.items():
        small = shrink(maps_of(output)[:SMALL_MAPS])
        low, high = small.min(axis=(1, 2)), small.max(axis=(1, 2))
        span = np.where(high > low, high - low, 1)
        scaled = (small - low[:, None, None]) / span[:, None, None] * 255
        pieces.append(np.nan_to_num(scaled).astype(np.uint8).ravel())
        layers.append({"layer": name, "shape": list(small.shape), "low": low, "high": high})
    body = np.concatenate(pieces) if pieces else np.zeros(0, np.uint8)
    return arrays_response({"maps": body}, {"layers": layers}, FOREVER)


def shrink(maps: Array) -> Array:
    """Return maps whose longer side has at most SIDE pixels: the strongest value of each block."""
    step = ceil(max(maps.shape[1:]) / SIDE)
    if step == 1:
        return maps
    channels, height, width = maps.shape
    down, across = -height % step, -width % step
    padded = np.pad(maps, ((0, 0), (0, down), (0, across)), mode="edge")
    blocks = padded.reshape(channels, (height + down) // step, step, (width + across) // step, step)
    blocks = blocks.transpose(0, 1, 3, 2, 4).reshape(channels, blocks.shape[1], blocks.shape[3], -1)
    strongest = np.abs(blocks).argmax(axis=-1)
    small: Array = np.take_along_axis(blocks, strongest[..., None], -1)[..., 0]
    return small


async def maps(request: Request, session: Session) -> Response:
    """Return maps `first` … `first + count − 1` of a layer or those of named channels, and the range of all."""
    shown, image = shown_network(request, session), shown_image(request, session)
    layer = layer_named(request, shown)
    first, count = integer(request, "first", 0), integer(request, "count", PAGE)
    assert first is not None
    assert count is not None
    for name, got in (("first", first), ("count", count)):
        if got < 0:
            raise Refusal("bad-parameter", Message("{name} must be from 0 (got {got}).", name=name, got=got), 422)

    chosen = integers(request, "channels") if "channels" in request.query_params else None

    def compute() -> Response:
        whole = maps_of(session.output(shown, image, layer))
        part = whole[first : first + min(count, PAGE)] if chosen is None else whole[_within(chosen, len(whole))]
        document = {
            "channels": len(whole),
            "first": first,
            "range": [float(np.min(whole)), float(np.max(whole))],
            "dead": [int(i) for i in np.flatnonzero(~whole.reshape(len(whole), -1).any(axis=1))],
        }
        return arrays_response({"maps": part.astype(np.float32)}, document, FOREVER)

    return await session.forward.run(compute)


def _within(channels: tuple[int, ...], count: int) -> list[int]:
    """Return the channels that a layer has."""
    return [channel for channel in channels if 0 <= channel < count]


async def scores(request: Request, session: Session) -> Response:
    """Return the classes with the highest scores."""
    shown, image = shown_network(request, session), shown_image(request, session)

    def compute() -> dict[str, Any]:
        x = session.inputs(shown, image)
        logits = shown.model.logits(x)[0]
        values = shown.model.predict(x, probabilities=shown.model.task == "classification")[0]
        logits, values = (one.reshape(len(one), -1).sum(axis=1) for one in (logits, values))
        order = np.argsort(-logits, kind="stable")[:10]
        classes = shown.model.classes
        return {
            "classes": [
                {
                    "index": int(i),
                    "name": classes[i] if classes and i < len(classes) else str(int(i)),
                    "score": float(logits[i]),
                    "value": float(values[i]),
                }
                for i in order
            ]
        }

    return json_response(await session.forward.run(compute), cache=FOREVER)


async def attribution(request: Request, session: Session) -> Response:
    """Return which pixels a class depends on: one value per pixel, channels summed."""
    shown, image = shown_network(request, session), shown_image(request, session)
    target = integer(request, "target")
    method = request.query_params.get("method", "grad-cam")
    placement = "resize" if request.query_params.get("placement") == "resize" else "exact"

    def compute() -> Response:
        x = session.inputs(shown, image)
        found = shown.model.attribute(x, target, method, None, placement)[0]  # type: ignore[arg-type]
        flat = found.sum(axis=0) if found.ndim == 3 else found
        document = {"range": [float(flat.min()), float(flat.max())]}
        return arrays_response({"map": flat.astype(np.float32)}, document, FOREVER)

    return await session.forward.run(compute)


async def unit(request: Request, session: Session) -> Response:
    """Return the arithmetic of one unit: its terms, and with a target its gradient and its readers."""
    shown, image = shown_network(request, session), shown_image(request, session)
    layer, at, target = layer_named(request, shown), integers(request, "at"), integer(request, "target")
    found: UnitTerms = await session.forward.run(session.terms, shown, image, layer, at, target)
    own, sources = found.arithmetic, list(found.source_names)
    rank = len(own.indices[0]) if own.indices else 0
    arrays: dict[str, Array] = {
        "inputs": own.inputs.astype(np.float64),
        "weights": own.weights.astype(np.float64),
        "products": own.products.astype(np.float64),
        "sources": np.array(own.sources, np.int32),
        "indices": np.array(own.indices, np.int32).reshape(len(own.indices), rank),
    }
    if found.gradient is not None:
        arrays["reader_numbers"] = np.array(
            [[one.derivative, one.gradient, one.product] for one in found.readers], np.float64
        ).reshape(-1, 3)
    document = {
        "layer": found.layer,
        "kernel": kernel_of(shown.model, layer),
        "kind": found.kind,
        "at": found.at,
        "form": found.form,
        "value": found.value,
        "sum": found.sum,
        "bias": found.bias,
        "padding": found.padding,
        "sources": sources,
        "facts": {name: fact for name, fact in found.facts.items() if np.ndim(fact) == 0},
        "gradient": found.gradient,
        "remainder": found.remainder,
        "readers": [[one.layer, *one.at] for one in found.readers],
    }
    return arrays_response(arrays, document, FOREVER)


def kernel_of(model: Model, layer: str) -> dict[str, str] | None:
    """Return the kernel of the native engine that computes a layer's output, where all outputs are kept.

    `algorithm` is "winograd", "direct", "gemm", "kernel" for others, or "reference" where the layer has no kernel.
    """
    if model.engine != "native":
        return None
    from ...engines.native.kernels.convolution.direct import Convolution
    from ...engines.native.kernels.dense.product import DenseKernel
    from ...engines.native.kernels.winograd.convolution import WinogradConvolution
    from ...engines.native.plan import KernelCall, PlanKind
    from ...engines.native.runtime.program import NativeProgram

    if not isinstance(model.program, NativeProgram):
        return None
    families = {WinogradConvolution: "winograd", Convolution: "direct", DenseKernel: "gemm"}
    found = None
    for step in model.program.plan(PlanKind.EVERY_LAYER, 1).steps:
        if step.layer != layer or step.purpose != "forward":
            continue
        if not isinstance(step, KernelCall):
            return {"name": "", "algorithm": "reference"}
        kernel = type(step.kernel)
        found = {"name": kernel.__name__, "algorithm": families.get(kernel, "kernel")}
        if kernel in families:
            break
    return found


def layer_named(request: Request, shown: ShownNetwork) -> str:
    """Return the layer that the address names."""
    layer = request.query_params.get("layer", "")
    if layer not in {node.name for node in shown.network}:
        raise Refusal("layer-name", Message("The network has no layer {layer!r}.", layer=layer[:100]), 404)
    return layer


def recorded_of_image(shown: ShownNetwork, image: ShownImage, units: Sequence[Unit]) -> Iterator[Query]:
    """Yield what an export records of a network's values."""
    path = f"/api/values/{shown.id}/{image.id}"
    yield Query(f"{path}/thumbnails")
    yield Query(f"{path}/scores")
    for one in units:
        yield Query(f"{path}/unit", {"layer": one.layer, "at": one.at})


routes = [
    Route("/api/values/{network}/{image}/thumbnails", endpoint(thumbnails)),
    Route("/api/values/{network}/{image}/maps", endpoint(maps)),
    Route("/api/values/{network}/{image}/scores", endpoint(scores)),
    Route("/api/values/{network}/{image}/attribution", endpoint(attribution)),
    Route("/api/values/{network}/{image}/unit", endpoint(unit)),
]
