"""Zope with PluggableAuthService and its cookie plugin, which takes name and password at every URL.

Its sign-in sets a cookie with whatever was typed, so that no answer tells a right password from a wrong one. The
documentation's adapter of one's own reads that cookie and asks Zope.
"""

from __future__ import annotations

import codecs
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, unquote, urlencode

from client import Answer, Client, of_64_mib
from story import Portal

USER, PASSWORD = "maria", "correct horse"
COOKIE = "__ginger_snap"
LOGIN = "/portal/acl_users/cookie/login"


def stories(place: Path) -> Iterator[tuple[str, Portal, str]]:
    make = Path(sys.executable).parent / "mkwsgiinstance"
    instance = place / "zope"
    subprocess.run([make, "-d", instance, "-u", f"root:{PASSWORD}"], check=True, capture_output=True)
    from Zope2.Startup.run import make_wsgi_app

    application = make_wsgi_app({}, str(instance / "etc" / "zope.conf"))
    _set_up()
    _form_alone_is_refused(application)
    yield "by an adapter of its own", _portal(application, _adapter()), "by_form"


def _set_up() -> None:
    import transaction
    import Zope2
    from Products.PluggableAuthService.interfaces import plugins
    from Products.PluggableAuthService.PluggableAuthService import addPluggableAuthService
    from Products.PluggableAuthService.plugins.CookieAuthHelper import addCookieAuthHelper
    from Products.PluggableAuthService.plugins.HTTPBasicAuthHelper import addHTTPBasicAuthHelper
    from Products.PluggableAuthService.plugins.ZODBRoleManager import addZODBRoleManager
    from Products.PluggableAuthService.plugins.ZODBUserManager import addZODBUserManager

    app = Zope2.app()
    app.manage_addProduct["OFSP"].manage_addFolder("portal")
    folder = app.portal
    if "acl_users" in folder.objectIds():
        folder.manage_delObjects(["acl_users"])
    addPluggableAuthService(folder)
    acl = folder.acl_users
    addCookieAuthHelper(acl, "cookie")
    addHTTPBasicAuthHelper(acl, "basic")
    addZODBUserManager(acl, "users")
    addZODBRoleManager(acl, "roles")
    acl.users.addUser(USER, USER, PASSWORD)
    acl.roles.assignRoleToPrincipal("Manager", USER)
    for kind, names in {
        plugins.IExtractionPlugin: ("cookie", "basic"),
        plugins.IChallengePlugin: ("cookie",),
        plugins.ICredentialsUpdatePlugin: ("cookie",),
        plugins.ICredentialsResetPlugin: ("cookie",),
        plugins.IAuthenticationPlugin: ("users",),
        plugins.IUserEnumerationPlugin: ("users",),
        plugins.IRolesPlugin: ("roles",),
    }.items():
        for name in names:
            acl.plugins.activatePlugin(kind, name)
    transaction.commit()
    app._p_jar.close()


def _checked(name: str, password: str) -> bool:
    import Zope2

    app = Zope2.app()
    try:
        users = app.portal.acl_users.users
        return users.authenticateCredentials({"login": name, "password": password}) is not None
    finally:
        app._p_jar.close()


def _adapter():
    from wsgi_mfa.adapters import UNRESOLVED, AdapterTraits, Credentials, FirstFactor

    class GingerSnap:
        credentials = Credentials(cookies=(COOKIE,))
        traits = AdapterTraits(user_changes_in_response=True)

        def identify(self, environ):
            # The header is canonical by now: each name once, separated by "; ".
            cookies = dict(part.partition("=")[::2] for part in environ.get("HTTP_COOKIE", "").split("; "))
            value = cookies.get(COOKIE)
            if value is None:
                return None
            try:
                pair = b64decode(unquote(unquote(value))).decode("ascii").split(":")
                name, password = (codecs.decode(part, "hex").decode("utf-8") for part in pair)
            except ValueError:
                return UNRESOLVED
            return FirstFactor(user=name) if _checked(name, password) else UNRESOLVED

        def selftest(self):
            return []

        def store_selftest(self):
            return []

    return GingerSnap()


def _form_alone_is_refused(application) -> None:
    """The rehearsal of the form alone finds that a wrong password looks like a right one."""
    from wsgi_mfa.adapters import LoginForm, SignInProbe

    probe = SignInProbe(application, user=USER, password=PASSWORD, password_field="__ac_password")
    form = LoginForm(
        LOGIN,
        "__ac_name",
        cookies=[COOKIE],
        succeeded=["status=302", f"cookie={COOKIE}"],
        failed=["status=401"],
        rehearsal=probe,
    )
    problems = form.selftest()
    if not any("wrong" in problem for problem in problems):
        raise AssertionError(f"a form that takes every password passes its rehearsal: {problems}")


def _baked() -> str:
    """The cookie, which whoever knows the password can compute."""
    raw = ":".join(text.encode().hex() for text in (USER, PASSWORD))
    return quote(b64encode(raw.encode()).decode())


def _portal(application, identity) -> Portal:
    from wsgi_mfa import Person

    typed = {"__ac_name": USER, "__ac_password": PASSWORD}
    page = "/portal/manage_main"

    def shown(answer: Answer) -> bool:
        return answer.status == 200 and "acl_users" in answer.text

    def sign_in(browser: Client, password: str) -> Answer:
        return browser.post(LOGIN, {**typed, "__ac_password": password, "came_from": "/portal/manage_main"})

    def attacks(new: Callable[[], Client]) -> Iterator[tuple[str, bool]]:
        yield "name and password in a query", shown(new().get(f"{page}?{urlencode(typed)}"))
        yield "name and password in a body", shown(new().post(page, typed))
        converted = {f"{name}:string": value for name, value in typed.items()}
        yield "names with a converter", shown(new().post(page, converted))
        fields = list(typed.items())
        yield "a form of the other kind", shown(new().upload(page, fields, ("x", "x.txt", b"")))
        yield "a computed cookie", shown(new().request("GET", page, cookie=f"{COOKIE}={_baked()}"))
        yield "that cookie in the query", shown(new().get(f"{page}?{COOKIE}={_baked()}"))
        yield "that cookie in a body", shown(new().post(page, {COOKIE: unquote(_baked())}))
        half = new().post(f"{page}?__ac_name={USER}", {"__ac_password": PASSWORD})
        yield "one half in the query", shown(half)

    def forms(browser: Client) -> Iterator[tuple[str, bool]]:
        users = "/portal/acl_users/users"
        changed = {"user_id": USER, "password": PASSWORD, "confirm": PASSWORD}
        answer = browser.post(f"{users}/manage_updateUserPassword", changed)
        yield "a change of the password", answer.status in (200, 302) and "Zope Error" not in answer.text
        name = f"erika{id(browser)}"
        added = {"user_id": name, "login_name": name, "password": "another one", "confirm": "another one"}
        browser.post(f"{users}/manage_addUser", added)
        yield "a form that adds a user", _checked(name, "another one")
        yield "a confirmation of the password", shown(browser.post(page, typed))

    def large(browser: Client) -> bool:
        sent = of_64_mib()
        stored = browser.request("PUT", "/portal/large.bin", **sent)
        return stored.status in (201, 204) and browser.get("/portal/large.bin").body == sent["body"]

    def change(browser: Client) -> bool:
        browser.post("/portal/manage_addProduct/OFSP/manage_addFolder", {"id": f"f{id(browser)}"})
        return browser.get(f"/portal/f{id(browser)}/manage_main").status == 200

    return Portal(
        application=application,
        identity=identity,
        directory=lambda user: Person(name=user, email="root@example.com"),
        user=USER,
        password=PASSWORD,
        page=page,
        shown=shown,
        sign_in=sign_in,
        sign_out=lambda browser: browser.get("/portal/acl_users/logout"),
        change=change,
        attacks=attacks,
        forms=forms,
        large=large,
        settings={"sign_in_fields": "zope-pas", "sign_in_paths": [LOGIN]},
    )
