"""The application: pages, static files and routes behind the access check."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import traceback
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from .. import __version__
from ..loading import zoo_names
from ..text.language import LANGUAGES
from .access import Access, local_hosts
from .routes import beams, comparisons, exports, fields, images, lab, layers, lessons, networks, runs, values
from .routes.requests import endpoint
from .session import SAMPLE, Session
from .wire import FOREVER, json_response

TYPES = {".js": "text/javascript", ".css": "text/css", ".json": "application/json", ".svg": "image/svg+xml"}


MODULES = (networks, comparisons, fields, images, layers, values, beams, lab, lessons, runs, exports)
"""Modules of routes, one for each topic: `routes`, and what an export records of them, as in `recording`."""


@cache
def static_files() -> dict[str, bytes]:
    """Return the files of the page by name: `app/main.js`, `style.css`, `i18n/en.json`, …

    Style sheets and texts are one file each, made of a file for each part of the page.
    """
    found = dict(_files(files(__package__) / "static", ""))
    sheets = [name for name in sorted(found) if name.startswith("style/")]
    sheets.sort(key=lambda name: name != "style/base.css")
    found["style.css"] = b"".join(found.pop(name) for name in sheets)
    for language in LANGUAGES:
        parts = [name for name in sorted(found) if name.startswith(f"i18n/{language}/")]
        texts = {key: text for name in parts for key, text in json.loads(found.pop(name)).items()}
        found[f"i18n/{language}.json"] = json.dumps(texts, ensure_ascii=False).encode()
    return found


def _files(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    """Return the files in a folder and the folders in it."""
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith((*TYPES, ".html")):
            yield f"{prefix}{entry.name}", entry.read_bytes()


@cache
def build_hash() -> str:
    """Return a hash of all files of the page, which is part of their addresses."""
    whole = hashlib.sha256()
    for name, content in sorted(static_files().items()):
        whole.update(name.encode() + content)
    return whole.hexdigest()[:12]


def import_map() -> str:
    """Return the import map: modules by bare names such as `cs/main`."""
    modules = {
        f"cs/{name.removeprefix('app/').removesuffix('.js')}": f"/static/{build_hash()}/{name}"
        for name in sorted(static_files())
        if name.startswith("app/")
    }
    return json.dumps({"imports": modules})


def page() -> str:
    """Return the page with its import map and the addresses of its files."""
    text = static_files()["index.html"].decode()
    return text.replace("@IMPORT_MAP@", import_map()).replace("@STATIC@", f"/static/{build_hash()}")


def policy() -> str:
    """Return the content security policy: own files only, and no markup from text."""
    digest = base64.b64encode(hashlib.sha256(import_map().encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'self' 'sha256-{digest}'; style-src 'self'; img-src 'self' blob: data:; "
        "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


async def index(_request: Request) -> Response:
    """Return the page."""
    return HTMLResponse(page())


async def static(request: Request) -> Response:
    """Return a file of the page. Names are looked up in a table: no address reaches the file system."""
    name = request.path_params["name"]
    content = static_files().get(name)
    suffix = "." + name.rpartition(".")[2]
    if content is None or suffix not in TYPES or request.path_params["version"] != build_hash():
        return PlainTextResponse("404\n", 404)
    return Response(content, media_type=TYPES[suffix], headers={"cache-control": FOREVER})


async def session_document(_request: Request, session: Session) -> Response:
    """Return what the page starts with."""
    first = session.first
    return json_response(
        {
            "version": __version__,
            "build": build_hash(),
            "network": None if first is None else first.id,
            "title": None if first is None else first.title,
            "other": None if session.other is None else session.other.id,
            "otherSource": None if session.other is None else session.other.source,
            "zoo": zoo_names(),
            "images": [{"id": image.id, "name": image.name, "path": image.path} for image in session.files()],
            "sample": SAMPLE.id,
            "lang": session.lang,
            "landing": session.landing,
            "lesson": session.lesson,
            "abilities": ["networks", "images", "export"],
        }
    )


async def answer_http_error(_request: Request, error: Any) -> Response:
    """Answer a request for an address, or with a method, that does not exist."""
    return PlainTextResponse(f"{error.status_code}\n", error.status_code, headers=error.headers)


async def answer_failure(request: Request, error: Exception) -> Response:
    """Answer a request that failed unexpectedly, without details, which go to the terminal."""
    print(f"{request.method} {request.url.path}:", file=sys.stderr)
    traceback.print_exception(error)
    return json_response({"code": "internal", "message": "internal error", "english": "internal error"}, 500)


def create_routes() -> list[Route]:
    """Return the routes of the page and of everything that it asks for."""
    return [
        Route("/", index),
        Route("/static/{version}/{name:path}", static),
        Route("/api/session", endpoint(session_document)),
        *(route for module in MODULES for route in module.routes),
    ]


def create_app(session: Session, port: int, token: str, host: str = "127.0.0.1") -> Starlette:
    """Return the application for a session, behind the access check."""
    app = Starlette(
        routes=create_routes(),
        middleware=[
            Middleware(Access, hosts=local_hosts(port, host), port=port, token=token, policy=policy()),
        ],
        exception_handlers={HTTPException: answer_http_error, 500: answer_failure},
    )
    app.state.session = session
    return app
