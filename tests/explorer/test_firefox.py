"""The page in Firefox: loaded, linked, and with Python's numbers, over WebDriver BiDi."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import convscope as cs
from convscope.explorer.session import SAMPLE, SAMPLE_MODEL, Session
from explorer.conftest import running

FIREFOX = os.environ.get("CONVSCOPE_FIREFOX") or shutil.which("firefox-esr") or shutil.which("firefox")
PREFERENCES = """
user_pref("remote.active-protocols", 1);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.homepage_override.mstone", "ignore");
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("app.update.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
"""


class Tab:
    """A tab of a browser that speaks WebDriver BiDi."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._count = 0
        self.errors: list[str] = []
        self._call("session.new", capabilities={})
        self._call("session.subscribe", events=["log.entryAdded"])
        self.context = self._call("browsingContext.getTree")["contexts"][0]["context"]

    def _call(self, method: str, **params: Any) -> Any:
        self._count += 1
        self._socket.send(json.dumps({"id": self._count, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv(timeout=60))
            if answer.get("method") == "log.entryAdded" and answer["params"]["level"] == "error":
                self.errors.append(answer["params"]["text"])
            if answer.get("id") == self._count:
                assert answer["type"] == "success", answer
                return answer["result"]

    def open(self, link: str) -> None:
        self._call("browsingContext.navigate", context=self.context, url=link, wait="complete")

    def evaluate(self, code: str) -> Any:
        """Return the value of an expression, or of what it promises, through JSON."""
        expression = f"Promise.resolve({code}).then((value) => JSON.stringify(value))"
        target = {"context": self.context}
        answer = self._call("script.evaluate", expression=expression, target=target, awaitPromise=True)
        assert answer["type"] == "success", answer
        return json.loads(answer["result"]["value"])

    def wait_for(self, condition: str) -> None:
        self.evaluate(
            "new Promise((resolve, reject) => {"
            "  const end = Date.now() + 30000;"
            f" const look = () => ({condition}) ? resolve(true) : Date.now() > end ? reject(new Error('timeout')) "
            "  : setTimeout(look, 20);"
            "  look();"
            "})"
        )


@contextmanager
def firefox(profile: Any) -> Iterator[Tab]:
    """Start a headless Firefox with a profile of its own."""
    client = pytest.importorskip("websockets.sync.client", reason="the test in Firefox needs websockets")
    if FIREFOX is None:
        pytest.skip("the test in Firefox needs Firefox (apt-get install firefox-esr, or CONVSCOPE_FIREFOX)")
    (profile / "user.js").write_text(PREFERENCES)
    command = [FIREFOX, "--headless", "--no-remote", "--remote-debugging-port", "0", "--profile", str(profile)]
    environment = {**os.environ, "HOME": str(profile), "MOZ_CRASHREPORTER_DISABLE": "1"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stderr is not None
            address = next(
                found[1]
                for line in process.stderr
                if (found := re.search(r"WebDriver BiDi listening on (ws://[\d.:]+)", line))
            )
            with client.connect(f"{address}/session", max_size=None) as socket:
                yield Tab(socket)
        finally:
            process.kill()


@pytest.mark.browser
def test_the_page_works_in_firefox(tmp_path):
    session = Session()
    model = cs.load_model(str(SAMPLE_MODEL))
    session.add_network(model.network, "lenet", model)
    with running(session) as server, firefox(tmp_path) as tab:
        tab.open(server.link)
        tab.open(f"http://127.0.0.1:{server.port}/#s=1&l=conv2&u=3,5,7&v=maps&q=region&lang=en")
        tab.wait_for("document.body.dataset.state === 'ready'")
        tab.wait_for("document.querySelector('#inspector [data-q=box]')")
        tab.wait_for("document.querySelector('#stage [data-q=value]')")
        region = model.network.field("conv2", (5, 7))
        assert tab.evaluate("JSON.parse(document.querySelector('[data-q=box]').dataset.v)") == list(region.box)
        shown = tab.evaluate("Number(document.querySelector('#stage [data-q=value]').dataset.v)")
        values = session.output(session.first, SAMPLE, "conv2")
        assert shown == pytest.approx(float(values[3, 5, 7]), abs=1e-6)
        tab.evaluate("document.querySelector('[data-tab=derive]').click() ?? true")
        tab.wait_for("document.querySelector('#inspector .derivation math')")
        height = tab.evaluate("document.querySelector('.derivation math').getBoundingClientRect().height")
        assert height > 0
        assert tab.errors == []
