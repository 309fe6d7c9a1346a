"""The current network, image and selection as one file."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..session import Session
from .requests import body_of, endpoint, shown_image, shown_network

LONGEST_ADDRESS = 128 << 10


async def export(request: Request, session: Session) -> Response:
    """Return a page in one file. The body is the fragment of the page's address, with the selection."""
    from ..export import Start, export_page

    shown, image = shown_network(request, session), shown_image(request, session)
    fragment = (await body_of(request, LONGEST_ADDRESS)).decode("utf-8", "replace")
    other = session.networks.get(request.query_params.get("other", ""))
    others = [] if other is None else [other]
    page = await export_page(session, shown, [image], Start(fragment), others=others)
    return Response(page.html.encode(), media_type="text/html", headers={"content-disposition": "attachment"})


routes = [Route("/api/exports/{network}/{image}", endpoint(export), methods=["POST"])]
