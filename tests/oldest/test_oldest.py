"""The metadata allows the versions that `tox -e legacy` installs, and no lower ones; the demo runs on them (D51)."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

pytestmark = pytest.mark.requirement("D51")

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "pyproject.toml").exists())
CONSTRAINTS = Path(__file__).with_name("constraints.txt")
SECONDS_MAX = 60
_NEEDED = re.compile(r"([A-Za-z0-9-]+)>=([0-9.]+)")
EXTRAS = ("flask", "serve", "demo")


def whole(version):
    """A version with three parts, as releases have it."""
    return ".".join((*version.split("."), "0", "0")[:3])


def test_the_constraints_are_the_lowest_versions_of_the_metadata():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = [
        *project["dependencies"],
        *(each for name in EXTRAS for each in project["optional-dependencies"][name]),
    ]
    lowest = {found[1].lower(): whole(found[2]) for each in needed if (found := _NEEDED.match(each))}
    pinned = {
        name.lower(): whole(version)
        for name, version in re.findall(
            r"^([A-Za-z0-9-]+)==([0-9.]+)$", CONSTRAINTS.read_text(), re.MULTILINE
        )
    }
    assert {name: pinned.get(name) for name in lowest} == lowest


def test_the_demo_answers(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "wsgi_mfa", "demo", "--port", str(port)]
    server = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + SECONDS_MAX
        while time.monotonic() < until:
            try:
                with socket.create_connection(("127.0.0.1", port), 5) as client:
                    client.sendall(b"GET /mfa/help HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                    answer = client.recv(65536)
                break
            except OSError:
                time.sleep(0.2)
        assert answer.startswith(b"HTTP/1.1 200 OK")
    finally:
        server.terminate()
        server.wait(10)
