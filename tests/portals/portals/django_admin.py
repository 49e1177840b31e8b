"""Django's admin site, with sessions in the database and in cookies, below a path."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from client import Answer, Client, fields_of
from story import Portal

PASSWORD = "correct horse battery"


def stories(place: Path) -> Iterator[tuple[str, Portal, str]]:
    _set_up(place)
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.core.handlers.wsgi import WSGIHandler
    from django.test import override_settings

    from wsgi_mfa import DjangoSession, LoginForm, django_person
    from wsgi_mfa.adapters import SignInProbe

    for engine in ("db", "signed_cookies"):
        for script_name in ("", "/portal"):
            with override_settings(SESSION_ENGINE=f"django.contrib.sessions.backends.{engine}"):
                portal = _portal(
                    StaticFilesHandler(WSGIHandler()), DjangoSession(), script_name, directory=django_person
                )
                yield f"{engine} at {script_name or '/'}", portal, "by_form"
                if script_name:
                    continue
                handler = StaticFilesHandler(WSGIHandler())
                rehearsal = SignInProbe(handler, user="root", password=PASSWORD)
                form = LoginForm(
                    "/admin/login/",
                    "username",
                    cookies=["sessionid"],
                    harmless_cookies=["csrftoken", "messages"],
                    succeeded=["status=302", "cookie=sessionid"],
                    failed=["status=200"],
                    rehearsal=rehearsal,
                )
                yield f"{engine} by its form alone", _portal(handler, form, "", directory=_by_name), "by_form"


def _by_name(name: str):
    from wsgi_mfa import Person

    return Person(name=name, email="root@example.com")


def _portal(application, identity, at: str, *, directory) -> Portal:
    login, page = f"{at}/admin/login/", f"{at}/admin/auth/user/"

    def sign_in(browser: Client, password: str) -> Answer:
        token = fields_of(browser.get(login))["csrfmiddlewaretoken"]
        fields = {
            "username": "root",
            "password": password,
            "csrfmiddlewaretoken": token,
            "next": f"{at}/admin/",
        }
        return browser.post(login, fields)

    def sign_out(browser: Client) -> None:
        token = fields_of(browser.get(page))["csrfmiddlewaretoken"]
        browser.post(f"{at}/admin/logout/", {"csrfmiddlewaretoken": token})

    return Portal(
        application=application,
        identity=identity,
        directory=directory,
        user="root",
        password=PASSWORD,
        page=page,
        shown=lambda answer: "Select user to change" in answer.text,
        sign_in=sign_in,
        sign_out=sign_out,
        change=lambda browser: adds_group(browser, f"{at}/admin/auth/group/add/"),
        static="/static/admin/css/base.css" if not at else None,
        script_name=at,
    )


def adds_group(browser: Client, form: str) -> bool:
    """Add a group by the admin site's form; whether it is there then."""
    from django.contrib.auth.models import Group

    Group.objects.filter(name="readers").delete()
    token = fields_of(browser.get(form))["csrfmiddlewaretoken"]
    browser.post(form, {"name": "readers", "csrfmiddlewaretoken": token})
    return Group.objects.filter(name="readers").exists()


def _set_up(place: Path) -> None:
    import django
    from django.conf import settings
    from django.core.management import call_command

    settings.configure(
        SECRET_KEY="the secret of a project in tests",
        ALLOWED_HOSTS=["*"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(place / "project.db")}},
        INSTALLED_APPS=[
            f"django.contrib.{name}"
            for name in ("admin", "auth", "contenttypes", "messages", "sessions", "sites", "staticfiles")
        ],
        SITE_ID=1,
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        ROOT_URLCONF="project_urls",
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        STATIC_URL="/static/",
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],  # for speed
        USE_TZ=True,
    )
    django.setup()
    from django.contrib import admin
    from django.contrib.auth import get_user_model
    from django.urls import path

    urls = ModuleType("project_urls")
    urls.urlpatterns = [path("admin/", admin.site.urls)]
    sys.modules["project_urls"] = urls
    call_command("migrate", verbosity=0)
    get_user_model().objects.create_superuser("root", "root@example.com", PASSWORD)
