"""Field sets of applications and frameworks, by names that ``sign_in_fields`` takes in place of sets."""

from __future__ import annotations

from typing import NamedTuple


class Preset(NamedTuple):
    """The field sets of one application, the fields with its user, and whether it signs users in at every URL."""

    sets: tuple[tuple[str, ...], ...]
    user_fields: tuple[str, ...]
    anywhere: bool = False


_BY_NAME = Preset(sets=(("username", "password"),), user_fields=("username",))
_BY_LOGIN = Preset(sets=(("login", "password"),), user_fields=("login",))

PRESETS: dict[str, Preset] = {
    # Applications that sign users in at every URL.
    "roundup": Preset(
        sets=(("@action=login", "__login_name"), (":action=login", "__login_name")),
        user_fields=("__login_name",),
        anywhere=True,
    ),
    "moinmoin-1": Preset(sets=(("login", "name", "password"),), user_fields=("name",), anywhere=True),
    "moinmoin-2": Preset(
        sets=(("login_username", "login_password"),), user_fields=("login_username",), anywhere=True
    ),
    "zope-pas": Preset(sets=(("__ac_name", "__ac_password"),), user_fields=("__ac_name",), anywhere=True),
    "bugzilla": Preset(
        sets=(("bugzilla_login", "bugzilla_password"), ("bugzilla_api_key",)),
        user_fields=("bugzilla_login",),
        anywhere=True,
    ),
    "mailman-2": Preset(
        sets=(("adminpw",), ("username", "password"), ("email", "password")),
        user_fields=("username", "email"),
        anywhere=True,
    ),
    # Applications and frameworks with sign-in pages of their own.
    "flask-login": Preset(
        sets=(("username", "password"), ("email", "password")), user_fields=("username", "email")
    ),
    "flask-security": Preset(
        sets=(("email", "password"), ("username", "password"), ("identity", "password"), ("auth_token",)),
        user_fields=("email", "username", "identity"),
    ),
    "flask-appbuilder": _BY_NAME,
    "django": _BY_NAME,
    "django-allauth": Preset(
        sets=(("login", "password"), ("username", "password"), ("email", "password")),
        user_fields=("login", "username", "email"),
    ),
    "pyramid": _BY_LOGIN,
    "kotti": _BY_LOGIN,
    "repoze-who": _BY_LOGIN,
    "turbogears": _BY_LOGIN,
    "kallithea": _BY_NAME,
    "trac": Preset(sets=(("user", "password"),), user_fields=("user",)),
    "odoo": _BY_LOGIN,
    "supysonic": Preset(sets=(("u", "p"), ("u", "t", "s"), ("user", "password")), user_fields=("u", "user")),
}
