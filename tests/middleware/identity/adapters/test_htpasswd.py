from __future__ import annotations

import os

import pytest

from wsgi_mfa.errors import AdapterUnavailableError, ConfigurationError
from wsgi_mfa.identity.adapters.htpasswd import HtpasswdFile

LONG = "pässwörd, a rather long one that spans more than one block of sha512 " + "." * 48 + " end"
#: Made by ``openssl passwd``, and the first one by ``htpasswd -s``.
HASHES = [
    ("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "password"),
    ("$apr1$saltsalt$EGVZDNN6gOqijy.tv9axG/", "correct horse"),
    ("$apr1$Zz./9$b.ao4E6h.4WGlqCG6BroX0", LONG),
    ("$apr1$x$tMwYqBfQwi3FYAr0aJc8M/", ""),
    ("$5$saltsalt$myjXcpMpE2Ofk7fj9hqyNYSn6lmWG4Mqnjx.KIRRr4/", "correct horse"),
    ("$5$Zz./9$yobs31Q9U3vrk7Lh.1dTnfK1fkQJ70oCu8Dej4vvdy/", LONG),
    (
        "$6$saltsalt$hRM5XZ86KXEw9UOmjigeVqFgULtFB2sgpC9lXQDfMib3Zgw7mEiUvBJI2EplzfAqxL5Vvwp2scFtv/uamSo5z0",
        "correct horse",
    ),
    (
        "$6$Zz./9$vMutjttLj2KEOTFT.Ht3oZ2j2NxWDEUrCxdP6mqMy5k7TVNWe2wJbWTLpthLw9x0Yx0iCybt00pUwmqCxG6nC.",
        LONG,
    ),
]


@pytest.fixture
def file_of(tmp_path):
    """``file_of(text)``: a password file with that text."""

    def make(text: str) -> HtpasswdFile:
        path = tmp_path / "htpasswd"
        path.write_text(text, encoding="utf-8")
        return HtpasswdFile(path)

    return make


@pytest.mark.parametrize(("known", "password"), HASHES)
def test_a_password_is_checked_as_the_tools_hash_it(file_of, known, password):
    check = file_of(f"# people\n\nalice:{known}\nrené:{known}:a comment\n")
    assert check("alice", password)
    assert check("rené", password)
    for wrong in (password + "x", password[:-1] + "?", password.swapcase() + " "):
        assert not check("alice", wrong)
    assert not check("Alice", password)
    assert not check("", password)


def test_a_password_without_measure_is_not_hashed(file_of):
    assert not file_of(f"alice:{HASHES[0][0]}\n")("alice", "x" * 100_000)


def test_nobody_gets_in_by_an_empty_file(file_of):
    assert not file_of("")("alice", "")


def test_the_file_is_read_again_when_it_changes(file_of, tmp_path):
    check = file_of(f"alice:{HASHES[0][0]}\n")
    assert check("alice", "password")
    path = tmp_path / "htpasswd"
    path.write_text(f"bob:{HASHES[0][0]}\n")
    os.utime(path, ns=(1, 1))
    assert not check("alice", "password")
    assert check("bob", "password")
    path.unlink()
    with pytest.raises(AdapterUnavailableError, match="htpasswd"):
        check("bob", "password")
    assert check.selftest() != []


@pytest.mark.parametrize(
    "line",
    [
        "alice",
        ":{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
        "alice:password",
        "alice:$2y$05$abcdefghijklmnopqrstuuIk2JcYzY0jm0mI0V4rIZ8pKb2yXx5W6",
        "alice:$6$rounds=99999999$saltsalt$" + "a" * 86,
        "alice:$5$saltsalt$" + "a" * 86,
        "alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\nalice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
    ],
)
def test_a_line_that_cannot_be_used_stops_the_start_and_is_not_quoted(file_of, line):
    with pytest.raises(ConfigurationError, match=r"line \d") as raised:
        file_of(line + "\n")
    assert "$" not in str(raised.value).replace("$apr1$, $5$ and $6$", "")
    assert "password" not in str(raised.value).replace("htpasswd", "")


def test_a_file_that_is_not_there_stops_the_start(tmp_path):
    with pytest.raises(ConfigurationError, match="nowhere"):
        HtpasswdFile(tmp_path / "nowhere")
