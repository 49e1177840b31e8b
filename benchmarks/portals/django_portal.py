"""One view of Django behind ``login_required``, and behind django-otp's ``otp_required``."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import django
import pyotp
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.urls import path

SECRET = "the secret of a portal in benchmarks"
USER = "user1@example.com"
PASSWORD = "correct horse"
PAGE = "/reports"
VERIFIED_PAGE = "/verified-reports"
KEY = b"a key of twenty bytes"[:20]
MIDDLEWARE = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
)


def set_up(database: Path) -> None:
    """A project over a SQLite file that keeps its connections and its sessions, and one user with a phone."""
    settings.configure(
        DATABASES={
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(database), "CONN_MAX_AGE": None}
        },
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "django.contrib.sessions",
            "django_otp",
            "django_otp.plugins.otp_totp",
        ],
        MIDDLEWARE=list(MIDDLEWARE),
        ALLOWED_HOSTS=["portal.example"],
        ROOT_URLCONF="portal_urls",
        LOGIN_URL="/sign-in",
        SECRET_KEY=SECRET,
        USE_TZ=True,
    )
    django.setup()
    sys.modules["portal_urls"] = _urls()
    call_command("migrate", verbosity=0)
    from django.contrib.auth.models import User
    from django_otp.plugins.otp_totp.models import TOTPDevice

    user = User.objects.create_user(USER, email=USER, password=PASSWORD)
    TOTPDevice.objects.create(user=user, key=KEY.hex(), name="phone")


def _sign_in(request: HttpRequest) -> HttpResponse:
    from django.contrib.auth import authenticate, login

    user = authenticate(request, username=request.POST["email"], password=request.POST["password"])
    if user is not None:
        login(request, user)
    return HttpResponse("")


def _code(request: HttpRequest) -> HttpResponse:
    import django_otp

    device = django_otp.match_token(request.user, request.POST["code"])
    if device is not None:
        django_otp.login(request, device)
    return HttpResponse("")


def _reports(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"the reports of {request.user.get_username()}")


def with_password() -> Any:
    """Who has shown the password is signed in."""
    return _application()


def with_django_otp() -> tuple[Any, Callable[[], str]]:
    """Who has shown the password and a code sees ``VERIFIED_PAGE``; the second value gives the code of now."""
    application = _application("django_otp.middleware.OTPMiddleware")
    return application, pyotp.TOTP(base64.b32encode(KEY).decode()).now


def _application(*more_middleware: str) -> Any:
    """Django's WSGI application, which reads the settings when it is made."""
    settings.MIDDLEWARE = [*MIDDLEWARE, *more_middleware]
    return WSGIHandler()


def _urls() -> ModuleType:
    """The project's URLs: one view twice, behind the password, and behind a code too."""
    from django.contrib.auth.decorators import login_required
    from django_otp.decorators import otp_required

    urls: Any = ModuleType("portal_urls")
    urls.urlpatterns = [
        path("sign-in", _sign_in),
        path("code", _code),
        path(PAGE[1:], login_required(_reports)),
        path(VERIFIED_PAGE[1:], otp_required(_reports)),
    ]
    return urls
