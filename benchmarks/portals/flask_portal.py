"""One view of Flask behind Flask-Login, and behind Flask-Security-Too with its two-factor switched on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask_login
from flask import Flask, request
from flask_security import Security, SQLAlchemyUserDatastore, auth_required, hash_password
from flask_security.models import fsqla_v3
from flask_sqlalchemy import SQLAlchemy

SECRET = "the secret of a portal in benchmarks"
USER = "user1@example.com"
PASSWORD = "correct horse"


def _database_of(portal: Flask, path: Path) -> tuple[SQLAlchemy, type[Any], type[Any]]:
    """A SQLite file with the tables of Flask-Security-Too, which serve Flask-Login as well."""
    portal.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{path}"
    database = SQLAlchemy(portal)
    fsqla_v3.FsModels.set_db_info(database)
    role: type[Any] = type("Role", (database.Model, fsqla_v3.FsRoleMixin), {})
    user: type[Any] = type("User", (database.Model, fsqla_v3.FsUserMixin), {})
    return database, user, role


def _portal() -> Flask:
    portal = Flask("portal")
    portal.config.update(SECRET_KEY=SECRET, WTF_CSRF_ENABLED=False)
    return portal


def _reports() -> str:
    return f"the reports of {flask_login.current_user.email}"


def with_flask_login(path: Path) -> Flask:
    """Who has shown the password is signed in."""
    portal = _portal()
    database, user, _ = _database_of(portal, path)
    with portal.app_context():
        database.create_all()
        database.session.add(user(email=USER, password=PASSWORD, active=True, fs_uniquifier="1" * 32))
        database.session.commit()

    def found(**by: str) -> Any:
        return database.session.execute(database.select(user).filter_by(**by)).scalar_one_or_none()

    flask_login.LoginManager(portal).user_loader(lambda user_id: found(fs_uniquifier=user_id))

    @portal.post("/sign-in")
    def sign_in() -> str:
        person = found(email=request.form["email"])
        if person.password == request.form["password"]:
            flask_login.login_user(person)
        return ""

    portal.get("/reports")(flask_login.login_required(_reports))
    return portal


def with_flask_security(path: Path) -> tuple[Flask, Callable[[], str]]:
    """Who has shown the password is asked for a code; the second value gives the code of now."""
    portal = _portal()
    portal.config.update(
        SECURITY_LOGIN_URL="/sign-in",
        SECURITY_PASSWORD_SALT="salt",
        SECURITY_PASSWORD_HASH="pbkdf2_sha512",
        SECURITY_TWO_FACTOR=True,
        SECURITY_TWO_FACTOR_REQUIRED=True,
        SECURITY_TWO_FACTOR_ENABLED_METHODS=["authenticator"],
        SECURITY_TWO_FACTOR_RESCUE_MAIL="support@portal.example",
        SECURITY_TOTP_SECRETS={"1": "a" * 32},
        SECURITY_TOTP_ISSUER="Client Portal",
    )
    database, user, role = _database_of(portal, path)
    security = Security(portal, SQLAlchemyUserDatastore(database, user, role))
    with portal.app_context():
        database.create_all()
        secret = security.totp_factory.generate_totp_secret()
        security.datastore.create_user(
            email=USER,
            password=hash_password(PASSWORD),
            tf_primary_method="authenticator",
            tf_totp_secret=secret,
        )
        security.datastore.commit()

    def code() -> str:
        with portal.app_context():
            return str(security.totp_factory.generate_totp_password(secret))

    portal.get("/reports")(auth_required("session")(_reports))
    return portal, code
