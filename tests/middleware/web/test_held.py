"""A response that signs somebody in is held: its cookies go out, its body does not (D3, D20, D34, R72)."""

from __future__ import annotations

import pytest

SECRET = b"the page of a signed-in user"


class Body:
    """Counts what is drawn of it and how often it is closed."""

    def __init__(self, chunks):
        self.chunks, self.drawn, self.closes = chunks, 0, 0

    def __iter__(self):
        for chunk in self.chunks:
            self.drawn += 1
            yield chunk

    def close(self):
        self.closes += 1


# What goes out


@pytest.mark.requirement("R72", "D34")
@pytest.mark.parametrize(("known", "page"), [(False, "/mfa/enroll"), (True, "/mfa/verify")])
def test_the_browser_gets_the_portals_cookies_and_is_led_to_our_page(
    flask_portal, new_browser, sign_in, phone_of, known, page
):
    if known:
        laptop = new_browser(flask_portal)
        sign_in(laptop, "alice")
        laptop.enroll("/", phone_of)
    browser = new_browser(flask_portal)
    answer = sign_in(browser, "alice", then="/reports?year=2026#totals")
    assert answer.status == 303
    assert answer.location.startswith(f"{page}?next=")
    assert answer.body == b""
    assert set(answer.set_cookies) == {"session", "__Host-wsgi_mfa_browser_portal"}
    assert answer.header("Cache-Control") == "no-store"
    assert browser.navigate(answer.location).page.outcome == ("must_verify" if known else "must_enroll")


@pytest.mark.requirement("D34")
def test_all_cookies_of_a_held_response_go_out_as_they_were_and_no_other_header(signing_in, portal):
    cookies = [portal.signed_in("alice"), "theme=dark; Path=/", "theme=light; Path=/reports; HttpOnly"]

    def application(environ, start_response):
        headers = [
            ("Content-Type", "text/plain"),
            ("X-Account", "alice"),
            ("ETag", '"1"'),
            ("Content-Length", "28"),
        ]
        start_response("200 OK", headers + [("Set-Cookie", cookie) for cookie in cookies])
        return [SECRET]

    answer = signing_in(application).navigate("/")
    assert answer.all("Set-Cookie")[:3] == cookies
    assert answer.header("X-Account") is None
    assert answer.header("ETag") is None
    assert answer.header("Content-Length") == "0"


@pytest.mark.requirement("D34", "R77")
@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("POST", {"Accept": "application/json"}),
        ("POST", {"Accept": "text/html, application/json"}),
        ("POST", {"Accept": "text/html", "Sec-Fetch-Mode": "cors"}),
        ("POST", {"Accept": "*/*"}),
        ("POST", {}),
        ("PUT", {"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}),
    ],
)
def test_what_is_no_navigation_gets_401_with_the_cookies(
    flask_portal, new_browser, portal, phone_of, method, headers
):
    browser = new_browser(flask_portal)
    answer = browser.request(method, "/sign-in?user=alice&next=/reports", headers=headers)
    assert answer.status == 401
    assert answer.problem == "must_enroll"
    assert answer.location is None
    assert "alice" not in answer.text
    assert set(answer.set_cookies) == {"session", "__Host-wsgi_mfa_browser_portal"}
    browser.enroll("/", phone_of)


@pytest.mark.requirement("D34")
def test_a_held_answer_to_head_has_no_body(flask_portal, new_browser):
    answer = new_browser(flask_portal).request("HEAD", "/sign-in?user=alice")
    assert answer.status == 401
    assert answer.body == b""
    assert "session" in answer.set_cookies


@pytest.mark.requirement("R74")
@pytest.mark.parametrize(
    "location", ["/reports", "/reports?year=2026&q=a%20b", "https://portal.example/reports", "//", "/"]
)
def test_after_the_second_factor_the_location_of_the_sign_in_comes_next(
    flask_portal, new_browser, sign_in, phone_of, location
):
    browser = new_browser(flask_portal)
    first = sign_in(browser, "alice", then=location)
    browser.enroll(first.location, phone_of)
    expected = {"https://portal.example/reports": "/reports", "//": "/"}.get(location, location)
    assert browser.get_json(first.location.replace("enroll", "continue")).json == {
        "outcome": "signed_in",
        "next": expected,
    }


# What does not


def body_returned(write, start_response):
    return [SECRET]


def body_written(write, start_response):
    write(SECRET)
    return []


def body_yielded(write, start_response):
    return (chunk for chunk in [b"", SECRET, SECRET])


@pytest.mark.requirement("R72")
@pytest.mark.parametrize("body", [body_returned, body_written, body_yielded])
@pytest.mark.parametrize("headers", [{"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}, {}])
def test_no_byte_of_the_page_leaves(signing_in, portal, body, headers):
    def application(environ, start_response):
        write = start_response(
            "200 OK", [("Content-Type", "text/plain"), ("Set-Cookie", portal.signed_in("alice"))]
        )
        return body(write, start_response)

    answer = signing_in(application).request("GET", "/", headers=headers)
    assert answer.status in (303, 401)
    assert SECRET not in answer.body
    assert answer.written == []


@pytest.mark.requirement("R72", "D34")
def test_a_generator_that_starts_late_is_held(signing_in, portal):
    finished = []

    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain"), ("Set-Cookie", portal.signed_in("alice"))])
        yield SECRET
        yield SECRET
        finished.append(True)

    answer = signing_in(application).navigate("/")
    assert answer.status == 303
    assert answer.body == b""
    assert finished == [True]


@pytest.mark.requirement("R69", "D34")
@pytest.mark.parametrize("late", [False, True])
def test_a_held_body_is_drawn_to_its_end_and_closed_once(signing_in, portal, late):
    body = Body([SECRET, SECRET, SECRET])
    headers = [("Content-Type", "text/plain"), ("Set-Cookie", portal.signed_in("alice"))]

    def application(environ, start_response):
        if not late:
            start_response("200 OK", headers)
            return body
        return Starting(body, lambda: start_response("200 OK", headers))

    assert signing_in(application).navigate("/").status == 303
    assert (body.drawn, body.closes) == (3, 1)


class Starting:
    """Calls ``start`` when its first chunk is asked for."""

    def __init__(self, body, start):
        self.body, self.start = body, start

    def __iter__(self):
        self.start()
        yield from self.body

    def close(self):
        self.body.close()


@pytest.mark.requirement("R69", "D34")
def test_an_endless_held_body_is_drawn_one_mebibyte_far(signing_in, portal):
    def chunks():
        while True:
            yield bytes(65536)

    body = Body(chunks())

    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain"), ("Set-Cookie", portal.signed_in("alice"))])
        return body

    assert signing_in(application).navigate("/").status == 303
    assert (body.drawn, body.closes) == (17, 1)


@pytest.mark.requirement("R69", "D34")
def test_a_slow_held_body_is_drawn_for_five_seconds(signing_in, portal, clock):
    def chunks():
        while True:
            clock.wait(1)
            yield b"."

    body = Body(chunks())

    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain"), ("Set-Cookie", portal.signed_in("alice"))])
        return body

    assert signing_in(application).navigate("/").status == 303
    assert (body.drawn, body.closes) == (6, 1)
