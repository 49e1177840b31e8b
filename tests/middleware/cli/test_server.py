"""A listening socket, and a server that ends when it is told to, whatever its application is doing."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
import time

import pytest

from wsgi_mfa.cli import server
from wsgi_mfa.cli.server import in_url, is_loopback, listening_socket
from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.request.sanitizer import UNDERSCORES_KEY

SLOW_SERVER = """
import time
from wsgi_mfa.cli import server

def application(environ, start_response):
    print("called", flush=True)
    time.sleep(60)
    start_response("200 OK", [])
    return []

listener = server.listening_socket("127.0.0.1", 0)
print(listener.getsockname()[1], flush=True)
server.run(application, listener, threads=1)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_answer_that_takes_its_time_does_not_keep_the_server_from_ending(number):
    process = subprocess.Popen([sys.executable, "-c", SLOW_SERVER], stdout=subprocess.PIPE, text=True)
    try:
        port = int(process.stdout.readline())
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert process.stdout.readline() == "called\n"
            begun = time.monotonic()
            process.send_signal(number)
            assert process.wait(timeout=30) == 0
            assert time.monotonic() - begun < 4  # waitress alone would wait for five seconds
    finally:
        process.kill()
        process.communicate()


def test_a_socket_accepts_connections_from_the_moment_that_it_is_there():
    with listening_socket("127.0.0.1", 0) as listener:
        socket.create_connection(listener.getsockname(), timeout=5).close()


def test_a_port_in_use_is_named_with_the_way_out():
    with listening_socket("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"port {port} on 127.0.0.1 is in use: .* --port"):
            listening_socket("127.0.0.1", port)


@pytest.mark.parametrize("host", ["host.invalid", "192.0.2.1", "999.1.1.1"])
def test_an_address_that_cannot_be_had_is_named(host):
    with pytest.raises(ConfigurationError, match=f"cannot listen on {host} port 8000: "):
        listening_socket(host, 8000)


@pytest.mark.requirement("D35")
@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.1", False),
        ("portal.example", False),
        ("localhost.evil.example", False),
        ("", False),
    ],
)
def test_only_loopback_addresses_count_as_this_machine(host, expected):
    assert is_loopback(host) is expected


def test_an_ipv6_address_stands_in_brackets():
    assert in_url("::1") == "[::1]"
    assert in_url("127.0.0.1") == "127.0.0.1"


ECHO = """
from wsgi_mfa.cli import server

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(sorted(key for key in environ if "UNDERSCORES" in key)).encode()]

listener = server.listening_socket("127.0.0.1", 0)
print(listener.getsockname()[1], flush=True)
server.run(application, listener, threads=1)
"""


def test_the_mark_is_the_key_that_the_log_puts_in_words():
    assert f"HTTP_{server.UNDERSCORES}" == UNDERSCORES_KEY


@pytest.mark.requirement("D43a")
def test_a_header_with_an_underscore_marks_its_request():
    serving = subprocess.Popen([sys.executable, "-c", ECHO], stdout=subprocess.PIPE, text=True)
    try:
        port = int(serving.stdout.readline())
        for name, marked in (("X_Api_Key", True), ("X-Api_Key", True), ("_", True), ("X-Api-Key", False)):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/", headers={name: "v"})
            body = connection.getresponse().read()
            connection.close()
            assert (body == b"['HTTP_WSGI_MFA_UNDERSCORES']") is marked, name
    finally:
        serving.terminate()
        serving.wait(10)
        serving.stdout.close()
