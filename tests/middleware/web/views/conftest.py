"""A wrapped portal, browsers of one user, and the phone that the user has bound."""

from __future__ import annotations

import pytest

USER = "user1@example.com"


@pytest.fixture
def application(wrapped, portal, notices):
    """The portal behind REMOTE_USER and the middleware."""
    return wrapped(portal, notify=notices.append)


@pytest.fixture
def laptop(application, browser_of):
    return browser_of(USER, application)


@pytest.fixture
def tablet(application, browser_of):
    """Another browser of the same user."""
    return browser_of(USER, application)


@pytest.fixture
def bind_phone(phone_of, clock):
    """``bind_phone(browser)``: enroll, tick the box, wait for the next step; gives the phone."""

    def run(browser):
        phone = browser.enroll("/", phone_of)
        clock.wait_for_step()
        return phone

    return run


@pytest.fixture
def pressed():
    """``pressed(answer, "Recovery code")``: the address of the link with exactly these words."""

    def find(answer, words: str) -> str:
        html = answer.text
        end = html.index(f">{words}</a>")
        return answer_link(html[html.rindex("<a ", 0, end) : end])

    def answer_link(tag: str) -> str:
        return tag.split('href="')[1].split('"')[0].replace("&amp;", "&")

    return find


@pytest.fixture
def key_on():
    """``key_on(answer)``: the key in base32 on either page that shows one."""

    def find(answer) -> str:
        if "key" in answer.page.by_id:
            return answer.page.by_id["key"].replace(" ", "")
        return next(link for link in answer.page.links if link.startswith("otpauth:")).split("secret=")[1][
            :32
        ]

    return find


@pytest.fixture
def code_on():
    """``code_on(answer)``: the recovery code on its page."""
    return lambda answer: answer.page.by_id["recovery-code"]


@pytest.fixture
def enrolled(laptop, phone_of, key_on, code_on, clock):
    """``phone, code``: the phone and the recovery code of a user who has stored it, a step later."""
    page = laptop.open("/")
    phone = phone_of(key_on(page))
    saving = laptop.submit(page, "/enroll", code=phone.code())
    laptop.submit(saving, "/recovery-code")
    clock.wait_for_step()
    return phone, code_on(saving)


@pytest.fixture
def recover():
    """``recover(browser, code, url="/")``: ask for ``url``, choose another method, type the recovery code."""

    def run(browser, code, *, url="/"):
        page = browser.open(url)
        methods = browser.open(next(link for link in page.page.links if "/methods" in link))
        asked = browser.open(next(link for link in methods.page.links if "/recover" in link))
        return browser.submit(asked, "/recover", recovery_code=code)

    return run
