"""A portal of a house, which knows nothing of the path that the front takes off; each has a cookie name of its own."""

from __future__ import annotations

import os

from flask import Flask, request, session

application = Flask(__name__)
application.secret_key = os.environ["PORTAL_SECRET"]
application.config["SESSION_COOKIE_NAME"] = f"{os.environ['PORTAL_NAME']}_session"


@application.get("/")
def home() -> str:
    return f"{os.environ['PORTAL_NAME']} of {session.get('user', 'a visitor')}"


@application.post("/sign-in")
def sign_in() -> str:
    session["user"] = request.form["username"]
    return "signed in"
