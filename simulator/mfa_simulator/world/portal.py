"""The portal of a story: the reference portal, or whatever a factory of somebody else's makes."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from legacy_portals import PortalUser, make_portal
from mfa_simulator.errors import PortalError
from mfa_simulator.language.scenario import UserSpec
from wsgi_mfa import FlaskSession
from wsgi_mfa.adapters import Adapter

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

COOKIE = "session"


@dataclass(frozen=True, kw_only=True, slots=True)
class Portal:
    """A portal without a second factor, and what one must know to use it.

    `identity` tells the middleware who passed the first factor. `cookie` is the name of the portal's own cookie for
    a user, which thieves take. `home` is a page for signed-in users that leads everybody else to the form for user
    name and password, `sign_in` the path that this form is sent to, `fields` the names of its fields for the two, and
    `sign_out` the path that signs out. `settings` are further settings of the middleware.

    `user_of_login` returns the user of a session id. It is given for a portal that keeps its sessions itself and sets
    `REMOTE_USER` in the environ of each request that it answers as a user.
    """

    application: WSGIApplication
    identity: Adapter
    cookie: str = COOKIE
    home: str = "/"
    sign_in: str = "/sign-in"
    sign_out: str = "/sign-out"
    fields: tuple[str, str] = ("username", "password")
    settings: Mapping[str, Any] = field(default_factory=dict)
    user_of_login: Callable[[str], str | None] | None = None


PortalUsers: TypeAlias = "Mapping[str, PortalUser]"
PortalFactory: TypeAlias = "Callable[[PortalUsers, str], Portal | WSGIApplication]"
REFERENCE_PORTAL: PortalFactory = make_portal


def portal_users(users: Iterable[UserSpec]) -> dict[str, PortalUser]:
    """Give the users of a scenario as a portal's factory gets them."""
    return {user.name: PortalUser(name=user.name, password=user.password, email=user.email) for user in users}


def portal_of(factory: PortalFactory, users: Mapping[str, PortalUser], secret_key: str) -> Portal:
    """Have a factory make a portal; it gets the users of the story by their names, and a secret to sign cookies with.

    A bare application is taken for one with a Flask session in the cookie `session`, signed with that secret. Raises
    PortalError when the factory does, or gives something else.
    """
    name = f"{getattr(factory, '__module__', '')}:{getattr(factory, '__qualname__', repr(factory))}"
    try:
        made = factory(users, secret_key)
    except PortalError:
        raise
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise PortalError(
            f"the factory {name} raised {type(error).__name__}: {error} ({place.filename}:{place.lineno})"
        ) from error
    if isinstance(made, Portal):
        return made
    if not callable(made):
        raise PortalError(
            f"the factory {name} gave {type(made).__name__}: legal is a WSGI application, or a"
            " mfa_simulator.world.portal.Portal with one"
        )
    return Portal(application=made, identity=FlaskSession(secret_key, cookie=COOKIE, user_key="_user_id"))


def factory_of(app: str | PortalFactory | None) -> PortalFactory:
    """Give the factory that somebody named, or gave, or the reference portal's; raises PortalError as below."""
    if app is None:
        return REFERENCE_PORTAL
    return imported_factory(app) if isinstance(app, str) else app


def imported_factory(reference: str) -> PortalFactory:
    """Give the factory that `MODULE:FACTORY` names; the module is looked for in the current folder too.

    Raises PortalError, with what went wrong, for another form and for what cannot be imported or called.
    """
    module_name, colon, name = reference.partition(":")
    if not (module_name and colon and name):
        raise PortalError(f"{reference} is not MODULE:FACTORY, such as myportal.stories:make_portal")
    here = str(Path.cwd())
    if "" not in sys.path and here not in sys.path:
        sys.path.insert(0, here)
    try:
        found = importlib.import_module(module_name)
    except Exception as error:
        raise PortalError(
            f"the module {module_name} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    for part in name.split("."):
        if not hasattr(found, part):
            raise PortalError(f"the module {module_name} has no {name}")
        found = getattr(found, part)
    if not callable(found):
        raise PortalError(f"{reference} cannot be called: a factory takes the users and a secret")
    factory: PortalFactory = found
    return factory
