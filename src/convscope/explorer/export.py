"""One file that shows a network as the explorer does, without a server: it opens from a disk, offline."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Iterator, Sequence
from contextvars import copy_context
from hashlib import sha256
from html import escape
from threading import Thread
from typing import Any, NamedTuple
from urllib.parse import parse_qs, quote, urlencode

from starlette.applications import Starlette

from ..text.language import LANGUAGES
from .app import create_routes, static_files
from .question import Query, Unit
from .recording import Recording, ask, record_arrays, record_network
from .session import SAMPLE, Session, ShownImage, ShownNetwork

MOST_BYTES = 24_000_000
"""Size of a file, beyond which the outputs and weights of further layers are left out."""

HIDDEN = ("editor", "training")
"""Views that need a server, and are hidden in a file."""

_STATIC = "static"
_START = 'import "cs/main";'
_READABLE = "/:;,!@&=$-_.~*()"
"""Characters that are written as they are in a `data:` address."""


class Start(NamedTuple):
    """What a page shows first: the fragment of its address, without the network's name."""

    fragment: str = ""
    hidden: Sequence[str] = HIDDEN

    @property
    def unit(self) -> tuple[str | None, tuple[int, ...]]:
        """Return the layer, and channel, row and column of the unit."""
        given = parse_qs(self.fragment.lstrip("#"))
        numbers = given.get("u", ["0,0,0"])[0].split(",")
        at = tuple(int(one) if one.isdecimal() else 0 for one in numbers)
        return given.get("l", [None])[0], at if len(at) == 3 else (0, 0, 0)

    def address(self) -> str:
        """Return the fragment with the hidden views, and without what a file does not know."""
        given = {name: values[0] for name, values in parse_qs(self.fragment.lstrip("#")).items()}
        hidden = dict.fromkeys([*given.get("hide", "").split(","), *self.hidden])
        kept = {name: value for name, value in given.items() if name not in ("m", "c", "hide")}
        named = {"s": "1", **kept, "hide": ",".join(name for name in hidden if name)}
        return "#" + urlencode(named)


AT_THE_START = Start()


class Exported(NamedTuple):
    """A page in one file. `left_out` names the layers whose values are not in it."""

    html: str
    left_out: tuple[str, ...]


async def export_page(
    session: Session,
    shown: ShownNetwork,
    images: Sequence[ShownImage] = (SAMPLE,),
    start: Start = AT_THE_START,
    most_bytes: int = MOST_BYTES,
    others: Sequence[ShownNetwork] = (),
) -> Exported:
    """Return a page in one file that shows a network on images.

    The page asks the same questions as in the explorer. Their answers are recorded from the server's own routes;
    the sums of other units are computed in the page, from the recorded outputs and weights.

    Args:
        shown: The network.
        images: The images. The first one is shown first.
        start: What the page shows first.
        most_bytes: Size of the file, beyond which outputs and weights of layers are left out.
        others: Networks to compare with.
    """
    app = Starlette(routes=create_routes())
    app.state.session = session
    recording = Recording()
    pins = list(_pinned(shown, start))
    for one in (shown, *others):
        await record_network(app, recording, one, images, pins if one is shown else [])
    for one in others:
        await recording.add(app, Query(f"/api/comparisons/{shown.id}/{one.id}"))
    for language in LANGUAGES:
        name = f"i18n/{language}.json"
        recording.documents[f"{_STATIC}/{name}"] = json.loads(static_files()[name])
    _hide_paths(recording, (shown, *others))
    document = (await ask(app, Query("/api/session"))).document
    recording.documents["/api/session"] = {
        **document,
        "network": shown.id,
        "title": shown.title,
        "other": others[0].id if others else None,
        "otherSource": others[0].shared_source if others else None,
        "zoo": [],
        "images": [{"id": image.id, "name": image.name, "path": None} for image in images],
        "sample": images[0].id,
        "abilities": [],
    }
    fixed = len(_page("", start, [*recording.chunks()[:1]]).encode()) + _MARGIN
    left: list[str] = []
    for one in (shown, *others):
        for image in images:
            limit = most_bytes - fixed
            left += await record_arrays(session, recording, one, image, pins if one is shown else [], limit)
    html = _page(shown.network.name, start, recording.chunks())
    return Exported(html, tuple(dict.fromkeys(left)))


_MARGIN = 600_000
"""Bytes that are kept free for recipes, and for the marks around the chunks."""


def _hide_paths(recording: Recording, networks: Sequence[ShownNetwork]) -> None:
    """Leave out the folders of the paths by which networks were opened, as the file is passed on to others."""
    for one in networks:
        for language in LANGUAGES:
            recording.documents[f"/api/networks/{one.id}#{language}"]["source"] = one.shared_source


def _pinned(shown: ShownNetwork, start: Start) -> Iterator[Unit]:
    """Yield the unit that the page shows first."""
    layer, (channel, row, column) = start.unit
    if layer in {node.name for node in shown.network}:
        shape = shown.network[layer].output_shape
        match len(shape):
            case 3:
                yield Unit(layer, (channel, row, column))
            case 2:
                yield Unit(layer, (channel, column))
            case 1:
                yield Unit(layer, (column,))


def _page(name: str, start: Start, chunks: Sequence[bytes]) -> str:
    """Return the page of the server with everything that it loads inside."""
    text = static_files()["index.html"].decode()
    modules = import_map()
    style = static_files()["style.css"].decode()
    icon = "data:image/svg+xml," + quote(static_files()["icon.svg"], safe="/:;,=")
    parts = {
        '<script type="importmap">@IMPORT_MAP@</script>': f'<script type="importmap">{modules}</script>',
        '<script type="module" src="@STATIC@/app/main.js"></script>': f'<script type="module">{_START}</script>',
        '<link rel="stylesheet" href="@STATIC@/style.css">': f"<style>{style}</style>",
        '<link rel="icon" href="@STATIC@/icon.svg">': f'<link rel="icon" href="{icon}">',
        'data-static="@STATIC@"': f'data-static="{_STATIC}" data-start="{escape(start.address())}"',
        '<meta charset="utf-8">': f'<meta charset="utf-8">\n{_policy(modules, style)}',
        "<title>convscope</title>": f"<title>{escape(readable(name))} · convscope</title>",
        "</body>": "".join(_script(number, chunk) for number, chunk in enumerate(chunks)) + "</body>",
    }
    for old, new in parts.items():
        before, found, after = text.partition(old)
        if not found:
            raise AssertionError(f"index.html has no {old}")
        text = before + new + after
    return text


def _script(number: int, chunk: bytes) -> str:
    return f'<script type="text/plain" data-chunk="{number}">{base64.b64encode(chunk).decode()}</script>\n'


def import_map() -> str:
    """Return the import map of a file: modules as `data:` addresses, and recorded answers as their source."""
    modules = {
        f"cs/{name.removeprefix('app/').removesuffix('.js')}": "data:text/javascript;charset=utf-8,"
        + quote(content, safe=_READABLE)
        for name, content in sorted(static_files().items())
        if name.startswith("app/")
    }
    modules["cs/source"] = modules.pop("cs/recorded")
    return json.dumps({"imports": modules}).replace("<", "\\u003c")


def _policy(modules: str, style: str) -> str:
    """Return the content security policy: nothing is loaded, and no markup is made from text."""
    digests = [base64.b64encode(sha256(text.encode()).digest()).decode() for text in (modules, _START, style)]
    policy = (
        f"default-src 'none'; script-src 'sha256-{digests[0]}' 'sha256-{digests[1]}' data:; "
        f"style-src 'sha256-{digests[2]}'; img-src data: blob:; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    return f'<meta http-equiv="Content-Security-Policy" content="{policy}">'


def readable(name: str) -> str:
    """Return a name for a title: without control characters, and not too long."""
    plain = "".join(one if one.isprintable() else "�" for one in name)
    return plain if len(plain) <= 60 else f"{plain[:51]}…{plain[-8:]}"


def run_to_end(make: Callable[[], Any]) -> Any:
    """Run a coroutine on a thread of its own, as a notebook has a running event loop."""
    results: list[Any] = []
    errors: list[BaseException] = []
    context = copy_context()

    def work() -> None:
        try:
            results.append(context.run(asyncio.run, make()))
        except BaseException as error:
            errors.append(error)

    thread = Thread(target=work, daemon=True)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
