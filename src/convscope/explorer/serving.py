"""Running the server: a free port, the printed link, the browser, and Ctrl-C."""

from __future__ import annotations

import socket
import sys
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import uvicorn

from ..errors import BadSetting
from ..text.language import localize
from .access import new_token
from .app import create_app
from .session import Session

FIRST_PORT = 8765
TRIED_PORTS = 20
GRACE_SECONDS = 1


def bound_socket(host: str, port: int | None) -> socket.socket:
    """Return a socket that listens on a port, or on the first free one from FIRST_PORT on.

    Raises:
        BadSetting: [port] if the port is in use, or cannot be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    tried = [port] if port is not None else [*range(FIRST_PORT, FIRST_PORT + TRIED_PORTS), 0]
    reason = ""
    for number in tried:
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, number))
            listener.listen(64)
        except OSError as error:
            listener.close()
            reason = error.strerror or str(error)
            continue
        return listener
    raise BadSetting(
        "{host}:{port} cannot be used ({reason}). Choose another --port, or leave it out. [port]",
        host=host,
        port=tried[-1],
        reason=reason,
    )


def serve(
    session: Session,
    listener: socket.socket,
    host: str,
    announce: Callable[[str], None],
    browse: bool,
    fragment: str = "",
) -> None:
    """Serve until Ctrl-C. `announce` gets the link, before the first request can come.

    The link has a token, without which the server answers nothing. It ends in `fragment`, which says what the page
    shows first.
    """
    port = listener.getsockname()[1]
    token = new_token()
    shown = f"[{host}]" if ":" in host else host
    link = f"http://{shown}:{port}/?token={token}"
    link += f"#{fragment.lstrip('#')}" if fragment else ""
    config = uvicorn.Config(
        create_app(session, port, token, host),
        log_config=None,  # it would close the log handlers of the process
        log_level="critical",
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    try:
        with listener, suppress(KeyboardInterrupt):
            announce(link)
            if browse:
                webbrowser.open(link)
            EndingServer(config, session).run(sockets=[listener])
    finally:
        for folder in session.end():
            print(
                localize("The training in {folder} is saved, and can be resumed.", folder=folder), file=sys.stderr
            )


class EndingServer(uvicorn.Server):
    """A server that ends the streams of its session as soon as it is asked to end: it waits for open answers."""

    def __init__(self, config: uvicorn.Config, session: Session) -> None:
        super().__init__(config)
        self._session = session

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._session.is_ending = True
        super().handle_exit(sig, frame)
