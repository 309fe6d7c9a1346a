"""The laboratory: its topics, and lessons with one's own numbers."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...text.language import current_language
from ..laboratory import teach_for_page, topics_document
from ..session import Session
from ..wire import json_response
from .requests import endpoint


async def topics(_request: Request, session: Session) -> Response:
    """Return the chapters of the laboratory with their topics and options."""
    lang = current_language()
    return json_response({"chapters": await session.analysis.run(topics_document, lang)})


async def lesson(request: Request, session: Session) -> Response:
    """Return a lesson, with the options that the address gives."""
    topic, lang = request.path_params["topic"][:60], current_language()
    given = [(name, text) for name, text in request.query_params.multi_items() if name != "lang"]
    return json_response(await session.analysis.run(teach_for_page, topic, given, lang))


routes = [
    Route("/api/lab", endpoint(topics)),
    Route("/api/lab/{topic}", endpoint(lesson)),
]
