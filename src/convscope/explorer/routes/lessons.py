"""Guided lessons: their list, and one step with its numbers."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...text.language import current_language
from ..lessons.library import step_document
from ..session import Session
from ..wire import json_response
from .requests import endpoint


async def lesson_list(_request: Request, session: Session) -> Response:
    """Return the titles of all lessons."""
    return json_response(await session.analysis.run(session.lessons.to_dict, current_language()))


async def lesson_step(request: Request, session: Session) -> Response:
    """Return one step of a lesson: sentences, question with answer, and what the page is to show."""
    lesson = session.lessons.lesson(request.path_params["name"])
    number = request.path_params["number"]
    return json_response(await session.forward.run(step_document, session, lesson, number, current_language()))


routes = [
    Route("/api/lessons", endpoint(lesson_list)),
    Route("/api/lessons/{name}/{number:int}", endpoint(lesson_step)),
]
