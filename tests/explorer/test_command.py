"""`convscope explore`: the link, bad arguments, and how it ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from http.cookiejar import CookieJar
from urllib.request import HTTPCookieProcessor, build_opener

import pytest

from convscope.cli import main


def run(*arguments: str) -> int:
    return main(["explore", *arguments])


def test_other_addresses_need_a_word(capsys):
    assert run("lenet", "--host", "0.0.0.0", "--no-browser") == 2
    message = capsys.readouterr().err
    assert "[explore-host]" in message
    assert "--allow-remote" in message


def test_a_port_in_use_is_named(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert run("lenet", "--port", str(port), "--no-browser") == 2
    message = capsys.readouterr().err
    assert f"127.0.0.1:{port} cannot be used" in message
    assert "[port]" in message


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["nope"], "model-name"), (["lenet", "--image", "missing.png"], "image-missing")],
)
def test_what_cannot_be_opened_is_named_before_the_server_starts(capsys, arguments, code):
    assert run(*arguments, "--no-browser") == 2
    assert f"[{code}]" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_the_link_is_printed_first_and_ctrl_c_ends_it():
    command = [sys.executable, "-m", "convscope", "explore", "input 1x9x8 | conv 2 3", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        link = server.stdout.readline()
        found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/\?token=[\w-]{43}\n", link)
        assert found
        with build_opener(HTTPCookieProcessor(CookieJar())).open(link) as page:
            assert page.status == 200
        server.send_signal(signal.SIGINT)
        assert server.wait(20) == 0
        assert server.stdout.read() == ""
        assert server.stderr is not None
        assert "Traceback" not in server.stderr.read()


def test_the_bundled_network_reads_digits():
    from convscope.data import load_data
    from convscope.data.transforms import resize_dataset
    from convscope.exchange import load_model
    from convscope.explorer.session import SAMPLE_MODEL

    model = load_model(SAMPLE_MODEL)
    assert model.network.parameter_count == 61_706
    test = resize_dataset(load_data("digits", "test"), size=(28, 28))
    assert model.evaluate(test)["accuracy"] > 0.98


def test_the_server_leaves_log_handlers_open(monkeypatch, tmp_path):
    import logging

    import uvicorn

    from convscope.explorer.serving import bound_socket, serve
    from convscope.explorer.session import Session

    monkeypatch.setattr(uvicorn.Server, "run", lambda _server, sockets: None)
    handler = logging.FileHandler(tmp_path / "log.txt", encoding="utf-8")
    stream = handler.stream
    try:
        serve(Session(), bound_socket("127.0.0.1", 0), "127.0.0.1", lambda _link: None, browse=False)
        assert not stream.closed
    finally:
        handler.close()
