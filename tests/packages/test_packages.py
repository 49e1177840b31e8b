"""Wheel and sdist, built as a release builds them, and installed into an empty environment of each interpreter."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "pyproject.toml").exists())
URL = "https://example.com/wsgi-mfa"
pytest.importorskip("build", reason="the package build makes wheel and sdist")
VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
SECONDS_MAX = 600


def called(*command):
    done = subprocess.run(
        [str(each) for each in command],
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
        env={**os.environ, "PROJECT_URL": URL},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The folder with the two files of a release."""
    folder = tmp_path_factory.mktemp("dist")
    called(sys.executable, "-m", "build", "--outdir", folder, ROOT)
    return folder


@pytest.fixture(scope="session")
def wheel(built):
    (path,) = built.glob("*.whl")
    return path


def test_the_wheel_names_the_url_that_the_build_was_told(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [each for each in archive.namelist() if each.endswith(".dist-info/METADATA")]
        assert f"Project-URL: Source, {URL}\n" in archive.read(name).decode()


def test_the_wheel_holds_a_bill_of_materials(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [each for each in archive.namelist() if ".dist-info/sboms/" in each]
        document = json.loads(archive.read(name))
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert document["metadata"]["component"]["name"] == "wsgi-mfa"
    assert {"werkzeug", "cryptography"} <= {each["name"] for each in document["components"]}


@pytest.mark.parametrize("kind", ["*.whl", "*.tar.gz"])
@pytest.mark.parametrize("version", VERSIONS)
def test_it_installs_and_runs_in_an_empty_environment(built, tmp_path, version, kind):
    python = shutil.which(f"python{version}")
    if python is None:
        pytest.skip(f"Python {version} is not here")
    (path,) = built.glob(kind)
    called(python, "-m", "venv", tmp_path / "venv")
    programs = tmp_path / "venv" / "bin"
    called(programs / "python", "-m", "pip", "install", "--quiet", f"{path}[demo,simulator]")
    assert called(programs / "wsgi-mfa", "--version").startswith("wsgi-mfa")
    assert "passed" in called(
        programs / "mfa-sim",
        "run",
        "--quiet",
        ROOT / "fixtures" / "scenarios" / "programs" / "a-reset-ends-app-passwords.mfa.yaml",
    )
    called(programs / "python", "-m", "pip", "check")
