"""Time, chance, keys and people for tests of everything above the rules."""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
import sys
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.commands import Origin
from wsgi_mfa.core.decision import Outcome
from wsgi_mfa.core.instants import SECOND
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.keys.ring import KeyRing
from wsgi_mfa.service import MfaService, Visit
from wsgi_mfa.stores.memory import MemoryStore
from wsgi_mfa.stores.protocol import StoreIdentity

#: 2026-03-02T09:00:00Z, where a step begins.
START = 1_772_442_000 * SECOND
PERIOD_SECONDS = 30
USER = "user1@example.com"


@dataclass
class ManualClock:
    """A clock that stands still unless it is moved, or somebody sleeps."""

    instant: int = START
    slept: list[float] = field(default_factory=list)

    def now(self) -> int:
        return self.instant

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.wait(seconds)

    def wait(self, seconds: float) -> None:
        self.instant += round(seconds * SECOND)

    def wait_for_step(self, seconds: float = 2) -> None:
        """Go to ``seconds`` into the next step."""
        step = self.instant // (PERIOD_SECONDS * SECOND)
        self.instant = (step + 1) * PERIOD_SECONDS * SECOND + round(seconds * SECOND)


class SeededEntropy:
    """The same bytes in each run."""

    def __init__(self) -> None:
        self._random = random.Random("wsgi-mfa")

    def token_bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)


@dataclass
class Phone:
    """An authenticator app with one key, written from RFC 4226 alone; ``offset_seconds`` is how far it is ahead."""

    key: bytes
    clock: ManualClock
    offset_seconds: float = 0

    def code(self, *, steps: int = 0) -> str:
        """The code that it shows, or showed so many steps away."""
        seconds = self.clock.instant / SECOND + self.offset_seconds
        counter = int(seconds) // PERIOD_SECONDS + steps
        digest = hmac.digest(self.key, counter.to_bytes(8, "big"), hashlib.sha1)
        start = digest[-1] & 15
        number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFF_FFFF
        return f"{number % 1_000_000:06d}"

    def wrong_code(self, number: int = 1) -> str:
        """Six digits that no step of the next or last half hour gives; another one for each number."""
        near = {self.code(steps=steps) for steps in range(-60, 61)}
        wrong = [text for text in (f"{value:06d}" for value in range(2000)) if text not in near]
        return wrong[number]


def key_bytes(text: str) -> bytes:
    """The key that a page or a key URI spells."""
    bare = text.replace(" ", "")
    return base64.b32decode(bare + "=" * (-len(bare) % 8))


class TroubledStore:
    """A store around another one in which a test may do something before and after each save."""

    shared_between_processes = False

    def __init__(self, inner) -> None:
        self.inner = inner
        self.identity = inner.identity
        self.document_schema = inner.document_schema
        self.saves: list[tuple[Account, tuple, str | None]] = []
        self.before: list[Callable[[], None]] = []
        self.after: list[Callable[[], None]] = []

    @property
    def fenced_at(self):
        return self.inner.fenced_at

    def load(self, user):
        return self.inner.load(user)

    def save(self, account, events, *, expected):
        self.saves.append((account, tuple(events), expected))
        if self.before:
            self.before.pop(0)()
        saved = self.inner.save(account, events, expected=expected)
        if self.after:
            self.after.pop(0)()
        return saved

    def events(self, user=None, *, limit=100):
        return self.inner.events(user, limit=limit)

    def users(self, *, after="", limit=100):
        return self.inner.users(after=after, limit=limit)

    def report_worker(self, report, *, forget_before):
        self.inner.report_worker(report, forget_before=forget_before)

    def workers(self):
        return self.inner.workers()

    def bindings(self, prefix):
        return self.inner.bindings(prefix)

    def write_bindings(self, changes):
        self.inner.write_bindings(changes)

    def key_checks(self):
        return self.inner.key_checks()

    def set_key_checks(self, changes):
        self.inner.set_key_checks(changes)

    def invited_only(self):
        return self.inner.invited_only()

    def set_invited_only(self, invited_only):
        self.inner.set_invited_only(invited_only)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def entropy() -> SeededEntropy:
    return SeededEntropy()


@pytest.fixture
def keys() -> KeyRing:
    return KeyRing([("k1", bytes(range(32)))])


@pytest.fixture
def memory_store() -> MemoryStore:
    return MemoryStore(identity=StoreIdentity(store_id="0123456789abcdef" * 2, made_at=START))


@pytest.fixture
def phone_of(clock):
    """``phone_of(key)``: a phone that holds the key, given as bytes or as people type it."""

    def make(key, **settings) -> Phone:
        return Phone(key=key if isinstance(key, bytes) else key_bytes(key), clock=clock, **settings)

    return make


@pytest.fixture
def troubled_store(memory_store):
    return TroubledStore(memory_store)


@pytest.fixture
def notices():
    return []


@pytest.fixture
def service(troubled_store, keys, clock, entropy, notices):
    return MfaService(
        store=troubled_store, keys=keys, policy=Policy(), clock=clock, entropy=entropy, notify=notices.append
    )


@pytest.fixture
def visit(service, clock):
    """``visit("laptop")``: a request of that browser at this moment."""

    def make(browser: str, *, session_id: str | None = None, **fields) -> Visit:
        origin = Origin(
            browser=browser,
            next_browser=service.vault.new_id(),
            login="login",
            session_id=session_id,
            source="192.0.2.7",
        )
        return Visit(**{"user": USER, "origin": origin, "now": clock.now(), **fields})

    return make


@pytest.fixture
def enroll(service, visit, phone_of, clock):
    """``enroll("laptop")``: bind a phone in that browser; gives the phone and the decision, a step later."""

    def run(browser: str, **fields):
        pending = service.begin_enrollment(visit(browser)).pending
        phone = phone_of(service.vault.pending_key(USER, pending))
        decision = service.confirm_enrollment(visit(browser, **fields), phone.code(), pending_id=pending.id)
        assert decision.outcome is Outcome.SIGNED_IN
        clock.wait_for_step()
        return phone, decision

    return run


class DjangoProject:
    """A Django project in this process, since there can be only one: its engine is chosen for each test."""

    def __init__(self, place: Path) -> None:
        import django
        from django.conf import settings
        from django.core.management import call_command

        settings.configure(
            SECRET_KEY="the secret of a Django project in tests",
            ALLOWED_HOSTS=["*"],
            DATABASES={
                "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(place / "project.db")}
            },
            INSTALLED_APPS=[
                "django.contrib.auth",
                "django.contrib.contenttypes",
                "django.contrib.sessions",
                "django.contrib.messages",
                "django.contrib.admin",
            ],
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
            ROOT_URLCONF=__name__ + "_urls",
            DEFAULT_AUTO_FIELD="django.db.models.AutoField",
            PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
            STATIC_URL="/static/",
            USE_TZ=True,
        )
        django.setup()
        self._urls()
        call_command("migrate", verbosity=0)

    def _urls(self) -> None:
        """The URLs of the project: its admin site."""
        from django.contrib import admin
        from django.urls import path

        module = ModuleType(__name__ + "_urls")
        module.urlpatterns = [path("admin/", admin.site.urls)]
        sys.modules[module.__name__] = module

    @contextmanager
    def using(self, engine: str, place: Path):
        """Sessions of this engine; connections are closed behind it."""
        from django.db import connections
        from django.test import override_settings

        with override_settings(
            SESSION_ENGINE=f"django.contrib.sessions.backends.{engine}", SESSION_FILE_PATH=str(place)
        ):
            try:
                yield
            finally:
                connections.close_all()

    def users(self):
        from django.contrib.auth import get_user_model

        return get_user_model()._default_manager


@pytest.fixture(scope="session")
def django_project(tmp_path_factory) -> DjangoProject:
    """The project, with a database of its own."""
    pytest.importorskip("django")
    return DjangoProject(tmp_path_factory.mktemp("django"))
