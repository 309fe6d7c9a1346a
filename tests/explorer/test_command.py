"""`convscope explore`: the link, bad arguments, and how it ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from convscope.cli import convscope


def run(*arguments: str):
    return CliRunner().invoke(convscope, ["explore", *arguments])


def test_other_addresses_need_a_word(monkeypatch):
    result = run("lenet", "--host", "0.0.0.0", "--no-browser")
    assert result.exit_code == 2
    assert "[explore-host]" in result.stderr
    assert "--allow-remote" in result.stderr


def test_a_port_in_use_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run("lenet", "--port", str(port), "--no-browser")
    assert result.exit_code == 2
    assert f"127.0.0.1:{port} cannot be used" in result.stderr
    assert "[port]" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["nope"], "model-name"), (["lenet", "--image", "missing.png"], "image-missing")],
)
def test_what_cannot_be_opened_is_named_before_the_server_starts(arguments, code):
    result = run(*arguments, "--no-browser")
    assert result.exit_code == 2
    assert f"[{code}]" in result.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_the_link_is_printed_first_and_ctrl_c_ends_it():
    command = [sys.executable, "-m", "convscope", "explore", "input 1x9x8 | conv 2 3", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{43}\n", server.stdout.readline())
        for _ in range(50):
            server.send_signal(signal.SIGINT)
            time.sleep(0.2)
            if server.poll() is not None:
                break
        assert server.wait(20) == 0
        assert server.stdout.read() == ""
        assert server.stderr is not None
        assert "Traceback" not in server.stderr.read()
