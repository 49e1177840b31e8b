"""Portals that keep their sessions themselves, as a scenario's `portal` asks for them, with what wraps them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from legacy_portals import PortalUser
from legacy_portals.session_portal import Sessions, make_portal
from legacy_portals.session_portal.portal import COOKIE_NAME, SIGN_IN_PATH, SIGN_OUT_PATH
from mfa_simulator.language.scenario import PortalSpec
from mfa_simulator.world.portal import Portal, PortalFactory
from wsgi_mfa import LoginForm
from wsgi_mfa.adapters import UNRESOLVED, Adapter, AdapterTraits, Credentials, FirstFactor, Identification

FIELDS = ("username", "password")


class LookedUpSession:
    """Looks a session up where the portal keeps it, as adapters of session stores do."""

    credentials = Credentials(cookies=(COOKIE_NAME,))
    traits = AdapterTraits(user_changes_in_response=True, keeps_session_id=True)

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def identify(self, environ: Mapping[str, Any]) -> Identification:
        pairs = (part.partition("=") for part in environ.get("HTTP_COOKIE", "").split("; "))
        session_id = next((value for name, _, value in pairs if name == COOKIE_NAME), "")
        if not session_id:
            return None
        if not self._sessions.has(session_id):
            return UNRESOLVED
        user_name = self._sessions.user_of(session_id)
        return None if user_name is None else FirstFactor(user=user_name, login=session_id)

    def selftest(self) -> list[str]:
        return []

    def store_selftest(self) -> list[str]:
        return []


def session_portal_factory(spec: PortalSpec) -> PortalFactory:
    """Return the factory of one world's portal; its sessions outlive the workers."""
    kept: list[Sessions] = []

    def factory(users: Mapping[str, PortalUser], secret_key: str) -> Portal:
        if not kept:
            kept.append(Sessions(secret_key))
        (sessions,) = kept
        application = make_portal(
            users,
            sessions,
            keeps_session_id=spec.keeps_session_id,
            signs_in_anywhere=spec.signs_in_anywhere,
            stays_signed_in=spec.stays_signed_in,
        )
        return Portal(
            application=application,
            identity=_identity(spec, sessions),
            cookie=COOKIE_NAME,
            sign_in=SIGN_IN_PATH,
            sign_out=SIGN_OUT_PATH,
            settings=_settings(spec),
            user_of_login=sessions.user_of,
        )

    return factory


def _identity(spec: PortalSpec, sessions: Sessions) -> Adapter:
    if spec.kind == "looked_up":
        return LookedUpSession(sessions)
    return LoginForm(
        SIGN_IN_PATH,
        FIELDS[0],
        cookies=(COOKIE_NAME,),
        succeeded=["status=302"],
        failed=["status=200"],
        sign_out=(SIGN_OUT_PATH,),
        secure=False,
    )


def _settings(spec: PortalSpec) -> dict[str, Any]:
    """Return the settings of the middleware that fit a portal, as its operator has to choose them."""
    settings: dict[str, Any] = {"sign_in_paths": (SIGN_IN_PATH,), "also_by": (f"field {COOKIE_NAME}",)}
    if spec.kind == "looked_up":
        settings |= (
            {"keeps_session_id": "one_process"} if spec.keeps_session_id else {"renews_sessions": True}
        )
    if spec.signs_in_anywhere:
        settings |= {
            "sign_in_fields": (FIELDS,),
            "sign_in_user_fields": FIELDS[:1],
            "signs_in_anywhere": True,
        }
    return settings
