"""An old portal that cannot load the middleware: Python 2.7, a ticket cookie, nothing but its own library.

``portal27.py PORT``. It runs on Python 3 too, for machines without a 2.7.
"""

# Python 2.7 must run it, which ruff does not know any more.
# ruff: noqa: C402, I001, PTH110, PTH118, RUF005, UP031

import hashlib
import json
import os
import struct
import sys
import time

try:
    from http.cookies import CookieError, SimpleCookie
    from socketserver import ThreadingMixIn
    from urllib.parse import parse_qs
except ImportError:
    from urlparse import parse_qs
    from Cookie import CookieError, SimpleCookie
    from SocketServer import ThreadingMixIn

from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

SECRET = b"the secret of a portal behind servers"
PASSWORDS = {
    "alice@example.com": "violet-harbour-12",
    "bruno@example.com": "copper-meadow-27",
    "chandra@example.com": "silent-orchard-35",
}
FILE = b"".join(b"row %06d\r\n" % number for number in range(20000))
ORDERS = []


def ticket_of(user, seconds):
    """An auth_tkt ticket as mod_auth_tkt and Paste make it, with SHA-512."""
    place = b"\0\0\0\0" + struct.pack("!I", seconds)
    inner = hashlib.sha512(place + SECRET + user.encode("utf-8") + b"\0\0").hexdigest()
    return hashlib.sha512(inner.encode("ascii") + SECRET).hexdigest() + "%08x%s!" % (seconds, user)


def user_of(environ):
    """Whoever the cookie names, read by the leniency of the standard library."""
    try:
        morsel = SimpleCookie(environ.get("HTTP_COOKIE", "")).get("auth_tkt")
        ticket = morsel.value if morsel else ""
        user, seconds = ticket[136:].rstrip("!"), int(ticket[128:136] or "0", 16)
    except (CookieError, ValueError):
        return None
    return user if user and ticket == ticket_of(user, seconds) else None


def answer(start_response, status, body, *headers):
    body = body if isinstance(body, bytes) else body.encode("utf-8")
    kind = "text/html; charset=utf-8"
    start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))] + list(headers))
    return [body]


def body_of(environ):
    left, digest, size = int(environ.get("CONTENT_LENGTH") or 0), hashlib.sha256(), 0
    kept = b""
    while left > 0:
        chunk = environ["wsgi.input"].read(min(left, 65536))
        if not chunk:
            break
        left, size = left - len(chunk), size + len(chunk)
        digest.update(chunk)
        kept = (kept + chunk)[:4096]
    return kept, size, digest.hexdigest()


def sign_in(environ, start_response):
    body = body_of(environ)[0]
    fields = parse_qs(body if isinstance(body, str) else body.decode("ascii"))
    user = fields.get("username", [""])[0]
    if PASSWORDS.get(user) != fields.get("password", [""])[0]:
        return answer(start_response, "200 OK", "Wrong password")
    cookie = "auth_tkt=%s; Path=/; HttpOnly" % ticket_of(user, int(time.time()))
    # An old portal knows one scheme, and its own host from the request.
    location = "http://%s/reports" % environ["HTTP_HOST"]
    return answer(
        start_response,
        "302 Found",
        "",
        ("Set-Cookie", cookie),
        ("Set-Cookie", "seen=1; Path=/"),
        ("Location", location),
    )


def sign_out(environ, start_response):
    return answer(
        start_response, "302 Found", "", ("Set-Cookie", "auth_tkt=; Path=/; Max-Age=0"), ("Location", "/")
    )


def reports(environ, start_response):
    return answer(
        start_response,
        "200 OK",
        "Sales by region, for %s, by Python %d" % (user_of(environ), sys.version_info[0]),
    )


def order(environ, start_response):
    ORDERS.append(body_of(environ)[0])
    return answer(start_response, "200 OK", "order %d" % len(ORDERS))


def upload(environ, start_response):
    _, size, sha256 = body_of(environ)
    return answer(start_response, "200 OK", "%d %s" % (size, sha256))


def download(environ, start_response):
    asked = environ.get("HTTP_RANGE", "")
    if asked.startswith("bytes="):
        first, last = [int(each) for each in asked[6:].split("-")]
        part = "bytes %d-%d/%d" % (first, last, len(FILE))
        return answer(start_response, "206 Partial Content", FILE[first : last + 1], ("Content-Range", part))
    return answer(start_response, "200 OK", FILE, ("Accept-Ranges", "bytes"), ("ETag", '"rows"'))


def stream(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"first\n"
    until = time.time() + 10
    seen = os.path.join(os.environ["MFA_TEST_FOLDER"], "seen")
    while not os.path.exists(seen) and time.time() < until:
        time.sleep(0.02)
    yield b"second, because the first was seen\n" if os.path.exists(seen) else b"nobody saw it\n"


def headers(environ, start_response):
    told = dict((key, value) for key, value in environ.items() if isinstance(value, str) and key.isupper())
    return answer(start_response, "200 OK", json.dumps(told))


def cut_off(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "1000")])
    yield b"the beginning of something longer"
    os._exit(1)


PAGES = {
    "/": lambda environ, start_response: answer(start_response, "200 OK", "Please sign in"),
    "/sign-in": sign_in,
    "/sign-out": sign_out,
    "/headers": headers,
}
MEMBERS_PAGES = {
    "/reports": reports,
    "/orders": order,
    "/upload": upload,
    "/download": download,
    "/stream": stream,
    "/my-headers": headers,
    "/cut-off": cut_off,
}


def portal(environ, start_response):
    path = environ["PATH_INFO"]
    if path in PAGES:
        return PAGES[path](environ, start_response)
    if path not in MEMBERS_PAGES:
        return answer(start_response, "404 Not Found", "no such page: " + path)
    if user_of(environ) is None:
        return answer(start_response, "302 Found", "", ("Location", "/"))
    return MEMBERS_PAGES[path](environ, start_response)


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


if __name__ == "__main__":
    make_server("127.0.0.1", int(sys.argv[1]), portal, Server, Quiet).serve_forever()
