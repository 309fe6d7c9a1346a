"""Images: uploads, drawings, the folder of the command line, and their pixels as a network receives them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from urllib.parse import unquote

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...errors import BadFile
from ...images import DamagedImage, read_header, read_image
from ...text.language import Message
from ..question import Query, Unit
from ..session import Session, ShownImage, ShownNetwork
from ..wire import FOREVER, arrays_response, json_response
from .requests import Refusal, body_of, endpoint, integers, shown_image, shown_network

LARGEST_UPLOAD = 20 << 20
LONGEST_NAME = 200
LARGEST_VALUE = 1e6


async def add_image(request: Request, session: Session) -> Response:
    """Keep an image file that the page sends, if it can be read."""
    content = await body_of(request, LARGEST_UPLOAD)
    name = unquote(request.headers.get("x-name", ""))[:LONGEST_NAME] or "image"

    def check() -> tuple[int, int]:
        try:
            header = read_header(BytesIO(content))
            read_image(BytesIO(content), 1, (8, 8))  # which decodes the file
        except DamagedImage as error:
            raise BadFile(
                "{name!r} is not a readable image ({reason}). Use another copy. [image-file]",
                name=name,
                reason=error.reason,
            ) from None
        return header.height, header.width

    size = await session.analysis.run(check)
    image = session.add_image(name, content)
    return json_response({"id": image.id, "name": name, "size": list(size)})


async def add_drawing(request: Request, session: Session) -> Response:
    """Keep a drawing: float32 values of one image, in the shape that the address names."""
    shape = integers(request, "shape")
    content = await body_of(request, LARGEST_UPLOAD)
    if any(size < 1 for size in shape) or len(content) != 4 * int(np.prod(shape, dtype=object)):
        raise Refusal("bad-drawing", Message("The drawing does not have the size that its address says."), 422)
    values = np.frombuffer(content, "<f4").reshape(shape).astype(np.float32)
    if not (np.abs(values) <= LARGEST_VALUE).all():
        raise Refusal("bad-drawing", Message("The drawing has values that are too large, or not finite."), 422)
    image = session.add_image("drawing", values)
    return json_response({"id": image.id, "name": image.name})


async def pixels(request: Request, session: Session) -> Response:
    """Return an image as the input of a network."""
    shown, image = shown_network(request, session), shown_image(request, session)
    x = await session.analysis.run(session.pixels, shown, image)
    return arrays_response({"pixels": x}, {"name": image.name}, FOREVER)


def recorded_of_image(shown: ShownNetwork, image: ShownImage, units: Sequence[Unit]) -> Iterator[Query]:
    """Yield what an export records of an image."""
    yield Query(f"/api/values/{shown.id}/{image.id}/pixels")


routes = [
    Route("/api/images", endpoint(add_image), methods=["PUT"]),
    Route("/api/drawings", endpoint(add_drawing), methods=["PUT"]),
    Route("/api/values/{network}/{image}/pixels", endpoint(pixels)),
]
