"""The portal that keeps sessions of its own, and the ways in that it leaves open on purpose."""

from __future__ import annotations

import pytest
from werkzeug.test import Client

from legacy_portals import PortalUser
from legacy_portals.session_portal import Sessions, make_portal

ANN = {"username": "ann", "password": "right"}


def portal(**ways):
    users = {"ann": PortalUser(name="ann", password="right", email="ann@example.com")}
    return make_portal(users, Sessions("a secret"), **ways)


def session_id(client):
    return client.get_cookie("sid").value


def test_a_sign_in_begins_another_session_unless_the_portal_keeps_its_id():
    for keeps in (False, True):
        client = Client(portal(keeps_session_id=keeps))
        client.get("/sign-in")
        before = session_id(client)
        assert client.post("/sign-in", data=ANN).status_code == 302
        assert (session_id(client) == before) is keeps
        assert "Signed in as" in client.get("/").text


@pytest.mark.parametrize(
    "request_of",
    [
        lambda sid: {"path": f"/reports?sid={sid}"},
        lambda sid: {"path": f"/reports;sid={sid}"},
        lambda sid: {"path": "/reports", "method": "POST", "data": {"sid": sid}},
        lambda sid: {"path": "/reports", "headers": {"Cookie": f"x=[sid={sid}"}},
        lambda sid: {"path": "/reports", "headers": {"Cookie": f"SID={sid}"}},
    ],
    ids=["query", "path", "field", "inside", "spelled"],
)
def test_a_session_id_is_taken_from_many_places(request_of):
    application = portal()
    owner = Client(application)
    owner.post("/sign-in", data=ANN)
    answer = Client(application, use_cookies=False).open(**request_of(session_id(owner)))
    assert "Signed in as" in answer.text


def test_every_page_takes_a_password_only_where_the_portal_is_made_so():
    for anywhere in (False, True):
        answer = Client(portal(signs_in_anywhere=anywhere)).post("/profile", json=ANN)
        assert (answer.status_code == 200) is anywhere


def test_a_token_signs_its_user_in_alone_until_the_sign_out_takes_it_away():
    client = Client(portal(stays_signed_in=True))
    client.post("/sign-in", data=ANN)
    client.delete_cookie("sid")
    assert "Signed in as" in client.get("/").text
    client.get("/sign-out")
    assert client.get("/").status_code == 302
    client.set_cookie("stay", "ann:guessed")
    assert client.get("/").status_code == 302


def test_a_wrong_password_signs_nobody_in():
    client = Client(portal(signs_in_anywhere=True))
    assert "Wrong user name" in client.post("/sign-in", data=ANN | {"password": "wrong"}).text
    assert client.get("/").status_code == 302


def test_sessions_need_a_secret():
    with pytest.raises(ValueError, match="secret must not be empty"):
        Sessions("")
