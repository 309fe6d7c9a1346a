"""Who gets an answer: one browser on this machine, with the link that was printed."""

from __future__ import annotations

import http.client
import json
import socket

import pytest

import convscope as cs
from convscope.explorer.session import Session
from explorer.conftest import running


@pytest.fixture(scope="module")
def server():
    session = Session()
    session.add_network(cs.load("input 1x9x8 | conv 2 3 | relu | flatten | dense 3"), "small")
    with running(session) as one:
        yield one


def ask(server, path="/api/session", method="GET", cookie=True, host=None, body=None, **headers):
    """Send one request, and return its status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    connection.putheader("Host", host or f"127.0.0.1:{server.port}")
    if cookie:
        connection.putheader("Cookie", f"convscope-{server.port}={server.token}")
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, answer.headers, content


def test_the_link_sets_a_cookie_once_and_hides_the_token(server):
    status, headers, _ = ask(server, f"/?token={server.token}", cookie=False)
    assert status == 303
    assert headers["location"] == "/"
    cookie = headers["set-cookie"]
    assert f"convscope-{server.port}={server.token}" in cookie
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert ask(server, "/")[0] == 200


@pytest.mark.parametrize(
    "path", ["/", "/api/session", "/static/x/app/main.js", "/?token=wrong", "/?token=", "/nowhere"]
)
def test_nothing_is_answered_without_the_cookie(server, path):
    status, _, content = ask(server, path, cookie=False)
    assert status == 403
    assert server.token.encode() not in content


BAD_HOSTS = [
    "example.org",
    "example.org:{port}",
    "127.0.0.1",
    "127.0.0.1:1",
    "localhost",
    "localhost.:{port}",
    "LOCALHOST.example:{port}",
    "127.0.0.1:{port}.example.org",
    "127.0.0.2:{port}",
    "0.0.0.0:{port}",
    "[::]:{port}",
    "user@127.0.0.1:{port}",
]


@pytest.mark.parametrize("host", BAD_HOSTS)
@pytest.mark.parametrize("path", ["/", "/api/session", "/nowhere"])
def test_other_hosts_are_refused(server, host, path):
    status, _, content = ask(server, path, host=host.format(port=server.port))
    assert status == 403
    assert b"ssh -L" in content


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "[::1]:{port}"])
def test_names_of_this_machine_are_allowed(server, host):
    assert ask(server, host=host.format(port=server.port))[0] == 200


def test_two_host_headers_are_refused(server):
    with socket.create_connection(("127.0.0.1", server.port), 20) as raw:
        raw.sendall(
            f"GET /api/session HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nHost: evil.example\r\n"
            f"Cookie: convscope-{server.port}={server.token}\r\nConnection: close\r\n\r\n".encode()
        )
        assert raw.recv(100).split()[1] in (b"403", b"400")


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_other_sites_cannot_read(server, site):
    assert ask(server, sec_fetch_site=site)[0] == 403


@pytest.mark.parametrize(
    "headers", [{}, {"x_convscope": "0"}, {"x_convscope": "1", "sec_fetch_site": "cross-site"}]
)
def test_writes_need_the_header_that_other_sites_cannot_send(server, headers):
    assert ask(server, "/api/networks", "POST", body=b"lenet", **headers)[0] == 403


def test_a_network_of_the_zoo_can_be_opened(server):
    status, _, content = ask(server, "/api/networks", "POST", body=b"lenet", x_convscope="1")
    assert status == 200
    assert json.loads(content)["id"] in server.session.networks


@pytest.mark.parametrize(
    "text",
    ["torch:os:system", "keras:os:system", "/etc/passwd", "../net.yaml", "net.onnx", "", "input 1x9x8 | nope"],
)
def test_text_is_only_ever_notation(server, text):
    status, _, content = ask(server, "/api/networks", "POST", body=text.encode(), x_convscope="1")
    assert status == 422
    document = json.loads(content)
    assert document["code"]
    assert "Traceback" not in document["message"]


@pytest.mark.parametrize(
    "name",
    [
        "../app.py",
        "%2e%2e/app.py",
        "..%5capp.py",
        "/etc/passwd",
        "app/../../app.py",
        "main.js%00",
        "app//main.js",
        "index.html",
    ],
)
def test_static_files_come_from_a_table(server, name):
    from convscope.explorer.app import build_hash

    assert ask(server, f"/static/{build_hash()}/{name}")[0] == 404


def test_every_answer_has_the_security_headers(server):
    for path in ("/", "/api/session", "/nowhere"):
        _, headers, _ = ask(server, path)
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "require-trusted-types-for 'script'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers


def test_an_upload_that_is_too_large_is_refused(server):
    status, _, content = ask(server, "/api/networks", "POST", body=b"x" * (65 << 10), x_convscope="1")
    assert status == 413
    assert json.loads(content)["code"] == "too-large"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/networks/none", 404),
        ("/api/networks/{net}/region?layer=conv1&at=x", 422),
        ("/api/networks/{net}/region?layer=conv1&at=99,99", 422),
        ("/api/networks/{net}/region?layer=nope&at=0,0", 422),
        ("/api/values/{net}/none/maps?layer=conv1", 404),
        ("/api/values/{net}/sample/maps?layer=nope", 404),
        ("/api/values/{net}/sample/unit?layer=conv1&at=0,0,99", 422),
        ("/api/values/{net}/sample/unit?layer=conv1&at=0,0,0&target=99", 422),
        ("/api/networks/{net}/derivation?layer=conv1&quantity=nope", 422),
        ("/api/networks/{net}/mask?layer=conv1&at=99999999999,1", 422),
        ("/api/values/{net}/sample/maps?layer=conv1&first=-1", 422),
        ("/api/values/{net}/sample/maps?layer=conv1&count=-5", 422),
        ("/api/values/{net}/sample/maps?layer=conv1&first=1_0", 422),
    ],
)
def test_bad_questions_get_one_message(server, path, status):
    found, _, content = ask(server, path.format(net=server.session.first.id))
    assert found == status
    document = json.loads(content)
    assert document["code"]
    assert document["message"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("POST", "/", "GET, HEAD"), ("DELETE", "/api/session", "GET, HEAD"), ("PUT", "/api/networks", "POST")],
)
def test_a_wrong_method_is_named(server, method, path, allowed):
    status, headers, _ = ask(server, path, method, body=b"", x_convscope="1")
    assert status == 405
    assert sorted(headers["allow"].split(", ")) == allowed.split(", ")


def test_messages_follow_the_language(server):
    path = f"/api/networks/{server.session.first.id}/region?layer=conv1&at=99,99&lang=zh"
    document = json.loads(ask(server, path)[2])
    assert document["code"] == "unit-range"
    assert "单元" in document["message"]
    assert "unit" in document["english"]


def image_bytes() -> bytes:
    from io import BytesIO

    from PIL import Image

    content = BytesIO()
    Image.new("RGB", (30, 20), "orange").save(content, "png")
    return content.getvalue()


@pytest.mark.parametrize("content", [b"", b"GIF89a", image_bytes()[:60], image_bytes()[:-30], b"\x00" * 500])
def test_damaged_images_are_refused_at_once(server, content):
    before = list(server.session.images)
    status, _, body = ask(server, "/api/images", "PUT", body=content, x_convscope="1", x_name="half.png")
    assert status == 422
    assert json.loads(body)["code"] == "image-file"
    assert "half.png" in json.loads(body)["message"]
    assert list(server.session.images) == before


def test_a_whole_image_is_kept(server):
    status, _, body = ask(server, "/api/images", "PUT", body=image_bytes(), x_convscope="1", x_name="own.png")
    assert status == 200
    assert json.loads(body)["size"] == [20, 30]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 3e38])
def test_drawings_of_unusual_values_are_refused(server, number):
    import numpy as np

    body = np.full((1, 9, 8), number, "<f4").tobytes()
    assert ask(server, "/api/drawings?shape=1,9,8", "PUT", body=body, x_convscope="1")[0] == 422
    assert ask(server, "/api/drawings?shape=1,9,9", "PUT", body=body, x_convscope="1")[0] == 422
