"""Reading requests: parameters of the address, and bodies of limited size."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from ...errors import ConvscopeError
from ...text.language import LANGUAGES, Message, use_language
from ..session import Session, ShownImage, ShownNetwork
from ..wire import error_response, message_response
from ..worker import Busy

Handler = Callable[[Request, Session], Awaitable[Response]]


class Refusal(Exception):
    """A request that cannot be answered, with the HTTP status of the response."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def endpoint(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Return a handler that runs in the language of the request, and answers errors as JSON."""

    async def answer(request: Request) -> Response:
        language = request.query_params.get("lang", "en")
        with use_language(language if language in LANGUAGES else "en"):
            try:
                return await handler(request, request.app.state.session)
            except ConvscopeError as error:
                return error_response(error)
            except Refusal as refusal:
                return message_response(refusal.code, refusal.message, refusal.status)
            except Busy:
                return message_response("busy", Message("Too many requests are waiting. Try again."), 429)

    return answer


def shown_network(request: Request, session: Session) -> ShownNetwork:
    """Return the network that the address names."""
    shown = session.network_of(request.path_params["network"])
    if shown is None:
        raise Refusal("no-network", Message("This network is not open here. Reload the page."), 404)
    return shown


def shown_image(request: Request, session: Session) -> ShownImage:
    """Return the image that the address names."""
    key = request.path_params["image"]
    if key not in session.images:
        raise Refusal("no-image", Message("This image is not open here. Choose it again."), 404)
    session.images.move_to_end(key)
    return session.images[key]


MOST = 2**31 - 1
_INTEGERS = re.compile(r"-?[0-9]{1,10}(,-?[0-9]{1,10}){0,63}")


def integers(request: Request, name: str) -> tuple[int, ...]:
    """Return a parameter such as `3,5,7` as integers."""
    text = request.query_params.get(name, "")
    values = tuple(map(int, text.split(","))) if _INTEGERS.fullmatch(text) else ()
    if not values or any(abs(value) > MOST for value in values):
        message = Message(
            "{name} must be an integer, or integers separated by commas, within ±{most:,} (got {got!r}).",
            name=name,
            most=MOST,
            got=text[:50],
        )
        raise Refusal("bad-parameter", message, 422)
    return values


def integer(request: Request, name: str, default: int | None = None) -> int | None:
    """Return a parameter as an integer, or the default if it is not given."""
    if name not in request.query_params:
        return default
    return integers(request, name)[0]


async def body_of(request: Request, most_bytes: int) -> bytes:
    """Return the body of a request, read up to a limit."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > most_bytes:
            raise Refusal(
                "too-large",
                Message("The upload is larger than {limit:,} bytes. Choose a smaller file.", limit=most_bytes),
                413,
            )
        parts.append(part)
    return b"".join(parts)
