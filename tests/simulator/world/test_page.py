"""Pages as a person reads them."""

from __future__ import annotations

from mfa_simulator.world.page import Field, Link, read_page

PAGE = """<!doctype html>
<html><head><title>Enter your code</title><style>p { color: red }</style>
<meta http-equiv="refresh" content="0; url='/reports?a=1&amp;b=2'"></head>
<body data-page="verify" data-outcome="wrong_code" class="x">
<h1>Sign in &amp; go</h1>
<form method="post" action="/mfa/verify"><input type="hidden" name="csrf" value="t&quot;k">
<label for="c">Code</label><input id="c" name="code" autocomplete="one-time-code">
<input type="checkbox" name="saved" value="yes"><input type="checkbox" name="kept" checked>
<input name="off" disabled value="1"><button type="submit" name="go" value="1">Continue</button></form>
<p id="outer">Your key: <code id="key">ABCD <b>EFGH</b></code></p>
<a href="/mfa/methods">Try <em>another</em>
 method</a>
<svg><path d="M0 0h1"/></svg><script>if (1 < 2) { document.write("<a href='/x'>No</a>") }</script>
</body></html>"""


def test_marks_of_the_body_are_read():
    assert read_page(PAGE).marks == {"page": "verify", "outcome": "wrong_code"}


def test_words_are_those_that_a_person_sees():
    words = read_page(PAGE).words
    assert "Sign in & go" in words
    assert "color" not in words
    assert "document" not in words
    assert "Enter your code" not in words


def test_places_are_found_by_their_id():
    page = read_page(PAGE)
    assert page.texts["key"] == "ABCD EFGH"
    assert page.texts["outer"] == "Your key: ABCD EFGH"


def test_links_are_found_by_words_and_by_address():
    page = read_page(PAGE)
    link = Link(href="/mfa/methods", words="Try another method")
    assert page.links == [link]
    assert page.link_that_says("ANOTHER method") == page.link_to("/methods") == link
    assert page.link_that_says("Recovery") is None


def test_a_form_is_filled_in_as_a_browser_does():
    form = read_page(PAGE).form_with("code")
    assert form.action == "/mfa/verify"
    assert form.method == "POST"
    assert Field(name="saved", kind="checkbox", value="yes") in form.fields
    assert form.filled({"code": "123456"}) == [("csrf", 't"k'), ("code", "123456"), ("kept", "on")]
    assert ("saved", "yes") in form.filled({"saved": "on"})


def test_where_a_page_leads_by_itself_is_read():
    assert read_page(PAGE).refresh == "/reports?a=1&b=2"
    assert read_page("<p>stay</p>").refresh is None


def test_a_page_with_a_password_field_asks_for_a_password():
    assert read_page('<form action="/in"><input type="password" name="p"></form>').asks_for_password
    assert not read_page(PAGE).asks_for_password


def test_drawings_are_kept():
    assert read_page(PAGE).paths == ["M0 0h1"]


def test_a_broken_page_is_read_as_far_as_it_goes():
    page = read_page('<body data-page="verify"><form action="/a"><input name="code"><p>half a wo')
    assert page.form_with("code") is not None
    assert page.marks == {"page": "verify"}


def test_of_radio_buttons_the_one_that_is_chosen_is_sent():
    html = """<form action="/desk" method="post"><input type="radio" name="action" value="reset">
    <input type="radio" name="action" value="unlock" checked><input name="reason"></form>"""
    (form,) = read_page(html).forms
    assert form.filled({"action": "reset", "reason": "lost"}) == [("action", "reset"), ("reason", "lost")]
    assert form.filled({}) == [("action", "unlock"), ("reason", "")]
