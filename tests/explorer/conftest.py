"""A server in this process, and a browser: numbers on the page are compared with Python's."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
import uvicorn

from convscope.explorer.app import create_app
from convscope.explorer.serving import bound_socket
from convscope.explorer.session import Session

CHROMIUM = os.environ.get("CONVSCOPE_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-gpu",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave most tests in a browser to `make test-browser`; those marked `smoke` always run."""
    if os.environ.get("CONVSCOPE_BROWSER"):
        return
    left = pytest.mark.skip(
        reason="`make test-browser` runs all tests in a browser; `make test` those marked smoke"
    )
    for item in items:
        browses = "open_page" in getattr(item, "fixturenames", ()) or item.get_closest_marker("browser")
        if browses and item.get_closest_marker("smoke") is None:
            item.add_marker(left)


class Running(NamedTuple):
    """A running server."""

    session: Session
    port: int
    token: str

    @property
    def link(self) -> str:
        return f"http://127.0.0.1:{self.port}/?token={self.token}"


@contextmanager
def running(session: Session) -> Iterator[Running]:
    """Serve a session on a free port."""
    listener = bound_socket("127.0.0.1", 0)
    port, token = listener.getsockname()[1], "secret-token"
    app = create_app(session, port, token)
    config = uvicorn.Config(
        app, log_config=None, log_level="critical", access_log=False, lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield Running(session, port, token)
    finally:
        session.end()
        server.should_exit = True
        thread.join(10)
        listener.close()


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium, shared by the tests of a module."""
    playwright = pytest.importorskip("playwright.sync_api", reason="browser tests need playwright")
    if CHROMIUM is None:
        if os.environ.get("CONVSCOPE_BROWSER"):
            pytest.fail("make test-browser needs Chromium (apt-get install chromium, or CONVSCOPE_CHROMIUM)")
        pytest.skip("browser tests need Chromium (apt-get install chromium, or CONVSCOPE_CHROMIUM)")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


FAILED = "Failed to load resource"


class Faults(list):
    """Console errors, page errors, failed requests, and requests to other hosts."""

    def watch(self, page, port: int) -> None:
        page.on("console", lambda message: self._hear(message))
        page.on("response", lambda response: self._look(response.status, response.url))
        page.on("pageerror", lambda error: self.append(str(error)))
        page.on("request", lambda request: self._check(request.url, port))

    def forgive(self, part: str) -> None:
        """Drop the faults that a test expects."""
        self[:] = [fault for fault in self if part not in fault]

    def _hear(self, message: Any) -> None:
        if message.type == "error" and not message.text.startswith(FAILED):
            self.append(message.text)

    def _look(self, status: int, url: str) -> None:
        """Note a response that is an error, with its address, which the console leaves out."""
        if status >= 400:
            self.append(f"{FAILED}: the server responded with a status of {status} ({url})")

    def _check(self, url: str, port: int) -> None:
        if not url.startswith((f"http://127.0.0.1:{port}/", "data:", "blob:")):
            self.append(f"request to {url}")


class Contexts:
    """Contexts of a browser by their options: pages of one share its cache, so that later ones start sooner."""

    def __init__(self, browser: Any) -> None:
        self._browser = browser
        self._contexts: dict[str, Any] = {}

    def get(self, **options: Any) -> Any:
        """Return the context with the options."""
        key = repr(sorted(options.items()))
        if key not in self._contexts:
            context = self._browser.new_context(**{"viewport": {"width": 1400, "height": 900}, **options})
            context.add_init_script("try { localStorage.setItem('convscope.coach', '1'); } catch {}")
            self._contexts[key] = context
        return self._contexts[key]

    def reset(self) -> None:
        """Close all pages, and forget what tests have set, but for the cache."""
        for key, context in list(self._contexts.items()):
            try:
                for page in context.pages:
                    page.close()
                context.clear_cookies()
                context.clear_permissions()
                context.unroute_all()
            except Exception:  # the test has closed it
                del self._contexts[key]


@pytest.fixture(scope="module")
def contexts(browser):
    """The contexts of a module."""
    return Contexts(browser)


def enter(context: Any, server: Running) -> None:
    """Give a context the cookie of a server, as the printed link does."""
    answer = context.request.get(server.link)
    assert answer.ok, answer.status


@pytest.fixture
def open_page(contexts):
    """Return a function that opens a page of a server; no test may leave an error or reach another host."""
    faults = Faults()

    def open_one(server: Running, fragment: str = "", **options):
        context = contexts.get(**options)
        enter(context, server)
        page = context.new_page()
        page.set_default_timeout(60_000)
        faults.watch(page, server.port)
        page.goto(f"http://127.0.0.1:{server.port}/{fragment}")
        page.wait_for_selector("body[data-state=ready]")
        page.wait_for_selector("#stage .content[data-state=ready], #stage .empty")
        page.wait_for_selector("#inspector .content[data-state=ready]", state="attached")
        return page

    open_one.faults = faults
    yield open_one
    contexts.reset()
    assert faults == []
