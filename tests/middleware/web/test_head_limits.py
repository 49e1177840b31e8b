"""A request whose head is longer than any client's is rejected, and neither the application nor the store is asked."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.requirement("D43a")

TOO_LONG = {
    "cookies": ({"HTTP_COOKIE": "a=" + "b" * 40_000}, 431),
    "many cookies": ({"HTTP_COOKIE": ";".join(f"a{number}=1" for number in range(1500))}, 431),
    "headers": ({f"HTTP_X{number}": "1" for number in range(600)}, 431),
    "a header's name": ({"HTTP_" + "X" * 300: "1"}, 431),
    "query": ({"QUERY_STRING": "a=" + "b" * 40_000}, 414),
    "target": ({"REQUEST_URI": "/?a=" + "b" * 40_000}, 414),
    "path": ({"REQUEST_URI": "/" + "a" * 9_000}, 414),
}


@pytest.mark.parametrize("what", TOO_LONG)
@pytest.mark.parametrize("path", ["/", "/mfa/verify"])
def test_it_is_rejected(flask_portal, new_browser, portal, what, path) -> None:
    environ, status = TOO_LONG[what]
    browser = new_browser(flask_portal, validated=False)
    answer = browser.request("GET", path, headers={"Accept": "application/json"}, environ=environ)
    assert (answer.status, answer.problem) == (status, "too_large")
    assert portal.calls == []


def test_a_person_is_told_what_helps(flask_portal, new_browser) -> None:
    environ, _ = TOO_LONG["cookies"]
    browser = new_browser(flask_portal, validated=False)
    answer = browser.request("GET", "/", headers={"Accept": "text/html"}, environ=environ)
    assert answer.status == 431
    assert "Delete the cookies of this site" in answer.text
    assert "at most 32768 bytes" in answer.text


def test_names_that_this_worker_has_met_are_not_counted(flask_portal, new_browser, portal) -> None:
    browser = new_browser(flask_portal, validated=False)
    names = [f"HTTP_X{number}" for number in range(800)]
    for some in (names[:400], names[400:], names):
        answer = browser.request("GET", "/", environ=dict.fromkeys(some, "1"))
        assert answer.status == 200
    assert len(portal.calls) == 3
