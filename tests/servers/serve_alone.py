"""Serves the application by a server that is a library: ``serve_alone.py KIND PORT``."""

from __future__ import annotations

import sys

from application import application


def wsgiref(port: int) -> None:
    from wsgiref.simple_server import make_server

    make_server("127.0.0.1", port, application).serve_forever()


def werkzeug(port: int) -> None:
    from werkzeug.serving import run_simple

    run_simple("127.0.0.1", port, application, threaded=True)


def cheroot(port: int) -> None:
    from cheroot.wsgi import Server

    Server(("127.0.0.1", port), application, numthreads=8).start()


if __name__ == "__main__":
    globals()[sys.argv[1]](int(sys.argv[2]))
