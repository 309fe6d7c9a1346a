"""Comparisons of two networks."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...analysis.compare import compare
from ...text.language import Message
from ..session import Session
from ..wire import FOREVER, json_response
from .requests import Refusal, endpoint, shown_network


async def comparison(request: Request, session: Session) -> Response:
    """Return how a network differs from another one: matched layers, differences, totals."""
    shown = shown_network(request, session)
    other = session.networks.get(request.path_params["other"])
    if other is None:
        raise Refusal("no-network", Message("This network is not open here. Reload the page."), 404)

    def differences() -> dict[str, Any]:
        return compare(shown.network, other.network).to_dict()

    return json_response(await session.analysis.run(differences), cache=FOREVER)


routes = [Route("/api/comparisons/{network}/{other}", endpoint(comparison))]
"""What an export records of them is asked by `export_page`, which knows the other network."""
