"""Applications that nobody here wrote, wrapped and driven through the complete story, each in its own environment.

An environment is made once, named by what is in it, and kept in the folder ``MFA_PORTALS_CACHE``; without that
variable the portals are left out. What the story is stands in ``story.py``, and how a portal is used in ``portals``.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import wsgi_mfa

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CACHE = os.environ.get("MFA_PORTALS_CACHE")
if CACHE is None:
    pytest.skip("portals are run by: tox run -e portals", allow_module_level=True)

HERE = Path(__file__).parent
SECONDS_MAX = 900


@dataclass(frozen=True)
class Environment:
    """What portals need: an interpreter, packages, and programs; ``portals`` are those that share it."""

    name: str
    python: str
    packages: tuple[str, ...]
    portals: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()


# Those that take longest come first.
ENVIRONMENTS = [
    Environment(
        "turbogears",
        "3.11",
        (
            *("TurboGears2", "tg.devtools", "repoze.who", "sqlalchemy", "transaction", "zope.sqlalchemy"),
            *("alembic", "kajiki", "WebHelpers2", "Beaker", "setuptools<80"),
        ),
    ),
    Environment("trac", "3.11", ("Trac", "TracAccountManager", "passlib", "babel", "setuptools<80")),
    Environment("django_admin", "3.11", ("Django",)),
    Environment("kotti", "3.10", ("kotti", "SQLAlchemy<1.4", "bleach<5", "pyramid<2", "setuptools<80")),
    Environment("flask_appbuilder", "3.11", ("Flask-AppBuilder",)),
    Environment("graphite", "3.10", ("graphite-web", "Django<4", "whisper", "setuptools<80")),
    # A beta: the last release without that word is for Python 2.
    Environment("moinmoin", "3.11", ("moin==2.0.0b5",)),
    Environment("roundup", "3.11", ("roundup",)),
    Environment(
        "zope", "3.11", ("Zope", "Products.PluggableAuthService", "setuptools<80"), ("zope", "zope_pas")
    ),
    Environment("rdiffweb", "3.11", ("rdiffweb",)),
    Environment("kinto", "3.11", ("kinto", "bcrypt", "setuptools<80")),
    Environment("py4web", "3.11", ("py4web",)),
    Environment(
        "flask",
        "3.11",
        ("Flask", "Flask-Session", "cachelib"),
        ("flask_kept_id", "flask_path", "servlets"),
    ),
    Environment("php", "3.11", (), programs=("php",)),
    Environment("radicale", "3.11", ("Radicale",)),
    Environment("wsgidav", "3.11", ("WsgiDAV", "cheroot")),
    Environment("pypiserver", "3.11", ("pypiserver[passlib]",)),
]


def interpreter_of(version: str) -> str | None:
    """The program of this version of Python, if there is one."""
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        return sys.executable
    pyenv = shutil.which("pyenv")
    if pyenv is not None:
        root = subprocess.run([pyenv, "root"], check=True, capture_output=True, text=True).stdout.strip()
        found = sorted(Path(root).glob(f"versions/{version}.*/bin/python"))
        if found:
            return str(found[-1])
    return shutil.which(f"python{version}")


def made(environment: Environment, interpreter: str) -> Path:
    """The Python of the portal's environment, which is made if it is not kept yet."""
    project = tomllib.loads((HERE.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    packages = [*environment.packages, *project["dependencies"], *project["optional-dependencies"]["flask"]]
    name = hashlib.sha256("\n".join([interpreter, *packages]).encode()).hexdigest()[:12]
    place = Path(CACHE or "") / f"{environment.name}-{name}"
    python = place / "bin" / "python"
    if not (place / "whole").exists():
        shutil.rmtree(place, ignore_errors=True)
        # By the pip at hand, and nothing compiled that no portal imports: a quarter of the time.
        subprocess.run([interpreter, "-m", "venv", "--without-pip", place], check=True)
        # With uv, where there is one, in a fifth of the time of pip.
        uv = shutil.which("uv")
        pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-compile"]
        install = pip if uv is None else [uv, "pip", "install", "--python", python]
        subprocess.run([*install, "--quiet", *packages], check=True)
        (place / "whole").touch()
    return python


@pytest.mark.requirement("R54", "R60", "R62", "D3", "D4", "D6", "D39", "D40", "D41", "D42")
@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda each: each.name)
def test_a_portal_is_protected_in_all_its_ways(environment, tmp_path, missing):
    interpreter = interpreter_of(environment.python)
    if interpreter is None:
        missing(f"Python {environment.python}")
    for program in environment.programs:
        if shutil.which(program) is None:
            missing(program)
    python = made(environment, interpreter)
    # The package alone, since what stands beside it is for another interpreter.
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "wsgi_mfa").symlink_to(Path(wsgi_mfa.__file__).parent)
    for name in environment.portals or (environment.name,):
        assert set(shown_by(name, python, tmp_path)) == documented(name)


def shown_by(name: str, python: Path, place: Path) -> list[str]:
    """The features that a portal's story has shown."""
    (place / name).mkdir()
    run = subprocess.run(
        [python, HERE / "drive.py", name, place / name],
        env={**os.environ, "PYTHONPATH": str(place / "path")},
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    print(run.stdout)
    assert run.returncode == 0, run.stdout + run.stderr[-4000:]
    return re.search(rf"^{name} showed: (.*)$", run.stdout, re.MULTILINE)[1].split(", ")


def documented(name: str) -> set[str]:
    """What the table in docs/portals.md says that this portal shows."""
    lines = (HERE.parents[1] / "docs" / "portals.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    (row,) = [row for row in rows if row[-1] == f"`{name}`"]
    return {column for column, cell in zip(rows[0], row, strict=True) if cell == "yes"}
