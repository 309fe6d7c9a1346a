"""Who may talk to the server: one browser on this machine, which came by the printed link."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from hmac import compare_digest
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

WRITE_HEADER = "x-convscope"
"""Requests that change something must have this header, which other sites cannot send without permission."""

_FORWARD = (
    "403: this address is not allowed. Open the explorer as http://127.0.0.1:{port}/ or http://localhost:{port}/. "
    "From another machine, forward the port: ssh -L {port}:127.0.0.1:{port} HOST\n"
)
_NO_TOKEN = (
    "403: this link is not valid (any more). Open the link that `convscope explore` printed in the terminal.\n"
)
_FOREIGN = "403: requests from other sites are not allowed.\n"


class Access:
    """ASGI middleware that checks every request, and adds security headers to every response.

    - `Host` must be one of `hosts`, exactly: a foreign name that resolves to this machine is refused.
    - `?token=` on the first page sets a cookie, which all other requests need.
    - Requests from other sites are refused by `Sec-Fetch-Site`, and writes without `WRITE_HEADER`.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str], port: int, token: str, policy: str) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._port = port
        self._token = token
        self._cookie = f"convscope-{port}"
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        refusal = self._check(scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["content-security-policy"] = self._policy
                headers["x-content-type-options"] = "nosniff"
                headers["referrer-policy"] = "no-referrer"
                headers["cross-origin-resource-policy"] = "same-origin"
                headers["cross-origin-opener-policy"] = "same-origin"
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await (refusal or self._app)(scope, receive, send_with_headers)

    def _check(self, scope: Scope) -> Response | None:
        """Return the response that refuses or redirects a request, or None."""
        headers = Headers(scope=scope)
        if headers.getlist("host") != [headers.get("host")] or headers.get("host") not in self._hosts:
            return PlainTextResponse(_FORWARD.format(port=self._port), 403)
        if scope["path"] == "/" and scope["method"] == "GET":
            given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
            if given and self._is_token(given):
                response = RedirectResponse("/", 303)
                response.set_cookie(self._cookie, self._token, httponly=True, samesite="strict", path="/")
                return response
        if not self._is_token(self._given_cookie(headers)):
            return PlainTextResponse(_NO_TOKEN, 403)
        site = headers.get("sec-fetch-site", "same-origin")
        if site != "same-origin" and not (site == "none" and scope["method"] == "GET" and scope["path"] == "/"):
            return PlainTextResponse(_FOREIGN, 403)
        if scope["method"] not in ("GET", "HEAD") and headers.get(WRITE_HEADER) != "1":
            return PlainTextResponse(_FOREIGN, 403)
        return None

    def _given_cookie(self, headers: Headers) -> str:
        try:
            cookies = SimpleCookie("; ".join(headers.getlist("cookie")))
        except CookieError:
            return ""
        return cookies[self._cookie].value if self._cookie in cookies else ""

    def _is_token(self, given: str) -> bool:
        return compare_digest(given.encode("utf-8", "replace"), self._token.encode())


def new_token() -> str:
    """Return 256 random bits as text."""
    return secrets.token_urlsafe(32)


def local_hosts(port: int, host: str) -> list[str]:
    """Return the values of the header Host that are allowed for a server on a port."""
    names = dict.fromkeys(["127.0.0.1", "localhost", "[::1]", f"[{host}]" if ":" in host else host])
    return [f"{name}:{port}" for name in names]
