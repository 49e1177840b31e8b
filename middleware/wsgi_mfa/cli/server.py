"""Serving an application by waitress: one listening socket, and one or several processes behind it (D32)."""

from __future__ import annotations

import errno
import ipaddress
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterable
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn, cast

from wsgi_mfa.errors import ConfigurationError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

BACKLOG = 128
SHUTDOWN_SECONDS = 0.5
WORKER_EXITS_MAX = 10  # a worker that dies this often is not started again


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that accepts connections on ``host`` and ``port``.

    :raises ConfigurationError: the port is in use, the address cannot be had, or waitress is missing.
    """
    _waitress()  # what takes its time, or is missing, does so before anybody is told that this serves
    try:
        return _listening(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigurationError(
                f"port {port} on {host} is in use: choose another one by --port"
            ) from None
        raise ConfigurationError(f"cannot listen on {host} port {port}: {error.strerror or error}") from None


def _listening(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


#: In the environ of a request with such a header; the middleware takes it for a credential that is not declared.
UNDERSCORES = "WSGI_MFA_UNDERSCORES"


def _marking_channel() -> type[Any]:
    """Return a channel that marks requests with an underscore in the name of a header.

    Waitress drops such a header, and a proxy that only asks us hands it on to the portal, which may take
    ``X_Api_Key`` for ``X-Api-Key``.
    """
    from waitress.channel import HTTPChannel
    from waitress.parser import HTTPRequestParser

    class MarkingParser(HTTPRequestParser):
        def parse_header(self, header_plus: bytes) -> None:
            super().parse_header(header_plus)
            names = (line.partition(b":")[0] for line in header_plus.split(b"\n")[1:])
            if any(b"_" in name for name in names):
                cast("dict[str, str]", self.headers)[UNDERSCORES] = "1"

    class MarkingChannel(HTTPChannel):
        parser_class = MarkingParser

    return MarkingChannel


#: The threads that end this process when it does not end by itself.
_insisting: list[threading.Timer] = []


def run(application: WSGIApplication, listener: socket.socket, *, threads: int) -> None:
    """Serve until SIGINT or SIGTERM, then return.

    :raises ConfigurationError: waitress is missing.
    """
    end_on_signals()
    server = _waitress().create_server(
        application,
        sockets=[listener],
        threads=threads,
        ident=None,
        # Whose words count is decided by lists of our own (scheme_from, trusted_peers); waitress would take the
        # scheme of every proxy away.
        clear_untrusted_proxy_headers=False,
    )
    server.channel_class = _marking_channel()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    try:
        server.run()
    finally:
        server.close()
        for insisting in _insisting:
            # A thread that outlived the interpreter's own end was seen to crash it.
            insisting.cancel()
            insisting.join()


def end_on_signals() -> None:
    """Let SIGINT and SIGTERM end this process with exit 0, from before it says that it serves.

    Until :func:`run` serves, nothing is under way, and half a server was seen to crash an orderly end.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))


def _end(*_: object) -> NoReturn:
    """End by SystemExit, on which waitress lets its threads finish; not for longer than people wait for Ctrl-C.

    What is cut off then is a slow answer. No save is: it is durable before it is answered.
    """
    insist = threading.Timer(SHUTDOWN_SECONDS, os._exit, (0,))
    insist.daemon = True
    insist.start()
    _insisting.append(insist)
    sys.exit(0)


def run_workers(application: WSGIApplication, listener: socket.socket, *, workers: int, threads: int) -> None:
    """Serve by ``workers`` processes, forked from this one with the application loaded; each replaces a dead one."""
    living: set[int] = set()
    ending = False

    def end(number: int, _: object) -> None:
        nonlocal ending
        ending = True
        for process in living:
            os.kill(process, number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    exits = 0
    for _ in range(workers):
        living.add(_forked(application, listener, threads))
    while living:
        process, _ = os.wait()
        living.discard(process)
        exits += not ending
        if not ending and exits <= WORKER_EXITS_MAX:
            living.add(_forked(application, listener, threads))
    if not ending:
        raise ConfigurationError(f"the workers ended {exits} times by themselves: see their messages above")


def _forked(application: WSGIApplication, listener: socket.socket, threads: int) -> int:
    process = os.fork()
    if process:
        return process
    status = 1
    try:
        run(_in_several_processes(application), listener, threads=threads)
        status = 0
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 0
    finally:
        os._exit(status)


def _in_several_processes(application: WSGIApplication) -> WSGIApplication:
    """Tell the application that there are other processes, of which waitress knows nothing."""

    def told(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["wsgi.multiprocess"] = True
        return application(environ, start_response)

    return told


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def in_url(host: str) -> str:
    """``host`` as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def _waitress() -> ModuleType:
    try:
        import waitress.server
    except ImportError:
        raise ConfigurationError(
            "serving needs the package waitress: pip install 'wsgi-mfa[serve]'"
        ) from None
    return waitress.server
