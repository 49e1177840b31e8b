"""graphite-web, an older Django: the oldest sessions in a database that we meet."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from client import Answer, Client, fields_of
from story import Portal

from portals.django_admin import adds_group

PASSWORD = "correct horse battery"


def stories(place: Path) -> Iterator[tuple[str, Portal, str]]:
    (place / "portal_settings.py").write_text(
        f"""
SECRET_KEY = "the secret of a project in tests"
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": {str(place / "graphite.db")!r}}}}}
STORAGE_DIR = CONF_DIR = LOG_DIR = INDEX_FILE = {str(place)!r}
INDEX_FILE += "/index"
WHISPER_DIR = STORAGE_DIR
"""
    )
    sys.path.insert(0, str(place))
    os.environ["GRAPHITE_ROOT"] = str(place)
    os.environ["GRAPHITE_SETTINGS_MODULE"] = "portal_settings"
    os.environ["DJANGO_SETTINGS_MODULE"] = "graphite.settings"
    import django

    django.setup()
    from django.contrib.auth import get_user_model
    from django.core.handlers.wsgi import WSGIHandler
    from django.core.management import call_command

    from wsgi_mfa import DjangoSession, django_person

    call_command("migrate", run_syncdb=True, verbosity=0)
    get_user_model().objects.create_superuser("root", "root@example.com", PASSWORD)

    def sign_in(browser: Client, password: str) -> Answer:
        token = fields_of(browser.get("/admin/login/"))["csrfmiddlewaretoken"]
        fields = {"username": "root", "password": password, "csrfmiddlewaretoken": token, "next": "/admin/"}
        return browser.post("/admin/login/", fields)

    portal = Portal(
        application=WSGIHandler(),
        identity=DjangoSession(),
        directory=django_person,
        user="root",
        password=PASSWORD,
        page="/admin/auth/user/",
        shown=lambda answer: "Select user to change" in answer.text,
        sign_in=sign_in,
        change=lambda browser: adds_group(browser, "/admin/auth/group/add/"),
        sign_out=lambda browser: browser.get("/account/logout/"),
    )
    yield "by its sessions", portal, "by_form"
