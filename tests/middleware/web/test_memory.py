"""What anonymous clients leave in a worker's memory is bounded in bytes."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

pytestmark = pytest.mark.requirement("D43a")

HOSTILE = {
    "names of headers": lambda n: {f"HTTP_X_{n:06}{'A' * 60_000}": "1"},
    "our cookies": lambda n: {"HTTP_COOKIE": f"__Host-wsgi_mfa_browser_portal={n:06}{'a' * 60_000}"},
    "our session cookies": lambda n: {"HTTP_COOKIE": f"__Host-wsgi_mfa_session_portal={n:06}{'a' * 60_000}"},
    "other cookies": lambda n: {"HTTP_COOKIE": f"x{n:06}={'a' * 4_000}"},
    "queries": lambda n: {"QUERY_STRING": f"x{n:06}={'a' * 2_000}"},
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("path", ["/", "/mfa/verify"])
def test_hostile_requests_leave_little_behind(flask_portal, new_browser, portal, kind, path):
    browser = new_browser(flask_portal, validated=False)
    browser.navigate(path)
    portal.calls.clear()
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(600):
            browser.cookies.clear()
            browser.request("GET", path, environ=HOSTILE[kind](number))
            portal.calls.clear()
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 12 * 1024 * 1024


def test_a_request_with_256_kib_of_headers_takes_little_time(flask_portal, new_browser):
    import time

    browser = new_browser(flask_portal, validated=False)
    browser.navigate("/")
    many = {f"HTTP_X_{number:05}": "1" for number in range(20_000)}
    for environ in (
        many,
        {"HTTP_" + "GUEST" * 50_000 + "TOKE": "1"},
        {"HTTP_COOKIE": "; ".join(f"x{number}=1" for number in range(25_000))},
        {"HTTP_COOKIE": "x=" + "session%20" * 25_000},
        {"HTTP_COOKIE": "x=" + "a=" * 125_000},
        {"QUERY_STRING": "&".join(f"x{number}=1" for number in range(25_000))},
    ):
        start = time.process_time()
        browser.request("GET", "/", environ=environ)
        # 50 ms on a machine of its own; tests share theirs.
        assert time.process_time() - start < 0.5, str(environ)[:40]
