"""A key ring in a file, which changes under running workers."""

from __future__ import annotations

import logging
import os
import pickle
import stat
from pathlib import Path

import pytest

from wsgi_mfa.entropy import SystemEntropy
from wsgi_mfa.errors import ConfigurationError, InvalidKeyError
from wsgi_mfa.keys.key_file import KeyFile, create_key_file
from wsgi_mfa.keys.ring import KeyRing

K1 = KeyRing([("k1", bytes(range(32)))]).text_of("k1")
K2 = KeyRing([("k2", bytes(range(1, 33)))]).text_of("k2")


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "mfa.keys"
    path.write_text(f"{K1}\n", encoding="ascii")
    path.chmod(0o600)
    return path


@pytest.mark.requirement("D29")
def test_a_changed_file_is_read_anew_when_it_is_asked_for(path):
    source = KeyFile(path)
    first = source.ring
    assert not source.reread()
    assert source.ring is first
    path.write_text(f"{K2},{K1}", encoding="ascii")
    assert source.ring.ids == ("k1",)
    assert source.reread()
    assert source.ring.ids == ("k2", "k1")
    assert not source.reread()


@pytest.mark.requirement("D29", "R80")
@pytest.mark.parametrize("text", ["", "k1", "k1:short", f"{K1},{K1}", "k1:\xe9", None])
def test_a_file_that_holds_no_ring_leaves_the_one_in_use(path, caplog, text):
    source = KeyFile(path)
    first = source.ring
    path.unlink()
    if text is not None:
        path.write_text(text, encoding="latin-1")
    assert not source.reread()
    assert source.ring is first
    assert "the keys in use stay as they are" in caplog.text
    assert K1.partition(":")[2] not in caplog.text


@pytest.mark.parametrize(("text", "error"), [(None, ConfigurationError), ("nonsense", InvalidKeyError)])
def test_at_the_start_there_must_be_a_ring(path, text, error):
    path.unlink()
    if text is not None:
        path.write_text(text, encoding="ascii")
    with pytest.raises(error) as caught:
        KeyFile(path)
    assert str(path) in str(caught.value)


@pytest.mark.requirement("D29")
def test_a_new_ring_replaces_the_file_whole_and_for_its_owner_alone(path):
    source = KeyFile(path)
    before = path.stat().st_ino
    source.replace(f"{K1},{K2}")
    assert source.ring.writing_id == "k2"
    assert KeyFile(path).ring.ids == ("k1", "k2")
    found = path.stat()
    assert stat.S_IMODE(found.st_mode) == 0o600
    assert found.st_ino != before
    assert not source.reread()
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_that_root_changes_stays_readable_to_the_workers(path):
    os.chown(path, 1234, 1235)
    KeyFile(path).replace(f"{K1},{K2}")
    found = path.stat()
    assert (found.st_uid, found.st_gid) == (1234, 1235)


@pytest.mark.requirement("D29")
def test_of_two_who_change_the_file_the_later_one_is_refused(path):
    first, second = KeyFile(path), KeyFile(path)
    first.replace(f"{K1},{K2}")
    with pytest.raises(ConfigurationError, match="was changed meanwhile"):
        second.replace(f"{K2},{K1}")
    assert second.ring.ids == ("k1",)
    assert KeyFile(path).ring.ids == ("k1", "k2")
    assert list(path.parent.iterdir()) == [path]


def test_a_change_that_is_under_way_is_not_disturbed(path):
    draft = path.with_name("mfa.keys.new")
    draft.write_text("half of", encoding="ascii")
    with pytest.raises(ConfigurationError, match=r"mfa\.keys\.new exists"):
        KeyFile(path).replace(f"{K1},{K2}")
    assert draft.read_text(encoding="ascii") == "half of"
    assert KeyFile(path).ring.ids == ("k1",)


def test_a_rotation_writes_through_a_symbolic_link_to_the_file_behind_it(path, tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    real = path.rename(secret / "real.keys")
    path.symlink_to("secret/real.keys")
    source = KeyFile(path)
    source.replace(f"{K1},{K2}")
    assert path.is_symlink()
    assert KeyFile(real).ring.ids == ("k1", "k2")
    assert KeyFile(path).ring.ids == ("k1", "k2")
    assert list(secret.iterdir()) == [real]
    assert not source.reread()


def test_a_link_that_leads_elsewhere_meanwhile_is_not_written_through(path, tmp_path, monkeypatch):
    real = path.rename(tmp_path / "one.keys")
    (tmp_path / "two.keys").write_text(f"{K1}\n", encoding="ascii")
    path.symlink_to(real)
    source = KeyFile(path)
    read = KeyFile._read

    def relinked(self):
        path.unlink()
        path.symlink_to(tmp_path / "two.keys")
        return read(self)

    monkeypatch.setattr(KeyFile, "_read", relinked)
    with pytest.raises(ConfigurationError, match="was changed meanwhile"):
        source.replace(f"{K1},{K2}")
    assert real.read_text(encoding="ascii") == f"{K1}\n"


@pytest.mark.parametrize("target", ["precious", "nowhere"])
def test_a_draft_that_is_a_symbolic_link_is_never_written_through(path, tmp_path, target):
    (tmp_path / "precious").write_text("precious", encoding="ascii")
    path.with_name("mfa.keys.new").symlink_to(tmp_path / target)
    with pytest.raises(ConfigurationError, match=r"mfa\.keys\.new exists"):
        KeyFile(path).replace(f"{K1},{K2}")
    assert (tmp_path / "precious").read_text(encoding="ascii") == "precious"
    assert not (tmp_path / "nowhere").exists()


def test_a_rotation_leaves_the_mode_as_the_workers_need_it(path, caplog):
    path.chmod(0o640)
    KeyFile(path).replace(f"{K1},{K2}")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o700])
def test_a_mode_wider_than_0600_is_warned_of_at_the_start_and_after_a_change(path, caplog, mode):
    path.chmod(mode)
    source = KeyFile(path)
    assert f"has mode {mode:04o}" in caplog.text
    caplog.clear()
    assert not source.reread()
    assert "has mode" not in caplog.text
    path.write_text(f"{K2},{K1}", encoding="ascii")
    assert source.reread()
    assert f"has mode {mode:04o}" in caplog.text


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_file_for_its_owner_alone_is_no_reason_to_warn(path, caplog, mode):
    path.chmod(mode)
    assert KeyFile(path).warning is None
    assert "has mode" not in caplog.text


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_new_file_is_for_its_owner_alone_under_any_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        create_key_file(tmp_path / "new.keys", K1)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new.keys").stat().st_mode) == 0o600
    assert KeyFile(tmp_path / "new.keys").ring.ids == ("k1",)
    assert list(tmp_path.iterdir()) == [tmp_path / "new.keys"]


def test_a_file_that_exists_is_not_replaced_by_a_new_one(path):
    create_key_file(path, K2)
    assert KeyFile(path).ring.ids == ("k1",)
    assert list(path.parent.iterdir()) == [path]


def test_a_new_file_is_not_made_through_a_dangling_link(tmp_path):
    link = tmp_path / "mfa.keys"
    link.symlink_to(tmp_path / "elsewhere")
    create_key_file(link, K1)
    assert not (tmp_path / "elsewhere").exists()
    assert link.is_symlink()


def test_nobody_can_prepare_the_draft_of_a_new_file(tmp_path, monkeypatch):
    (tmp_path / "precious").write_text("precious", encoding="ascii")
    monkeypatch.setattr(SystemEntropy, "token_bytes", lambda self, count: b"guessed!")
    (tmp_path / "mfa.keys.6775657373656421.new").symlink_to(tmp_path / "precious")
    with pytest.raises(ConfigurationError, match="cannot make the keys"):
        create_key_file(tmp_path / "mfa.keys", K1)
    assert (tmp_path / "precious").read_text(encoding="ascii") == "precious"
    assert not (tmp_path / "mfa.keys").exists()


def test_what_is_no_ring_never_gets_into_the_file(path):
    with pytest.raises(InvalidKeyError):
        KeyFile(path).replace("nonsense")
    assert KeyFile(path).ring.ids == ("k1",)


def test_a_relative_path_is_kept_when_the_server_changes_its_folder(path, monkeypatch, tmp_path_factory):
    monkeypatch.chdir(path.parent)
    source = KeyFile(path.relative_to(path.parent))
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    path.write_text(f"{K2},{K1}", encoding="ascii")
    assert source.reread()


def test_reading_anew_is_told_by_the_names_of_the_keys(path, caplog):
    source = KeyFile(path)
    path.write_text(f"{K2},{K1}", encoding="ascii")
    with caplog.at_level(logging.WARNING):
        source.reread()
    assert "read the keys again: k2, k1" in caplog.text


def test_it_cannot_leave_the_process(path):
    with pytest.raises(TypeError, match="must not leave this process"):
        pickle.dumps(KeyFile(path))


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        (0o644, "read the keys"),
        (0o622, "write the keys"),
        (0o660, "read and write the keys"),
        (0o666, "read and write"),
    ],
)
def test_the_warning_says_what_other_users_may_do(path, mode, told):
    path.chmod(mode)
    assert f"other users may {told}" in KeyFile(path).warning


@pytest.mark.parametrize(("mode", "warned"), [(0o777, True), (0o702, True), (0o1777, False), (0o775, False)])
def test_a_folder_in_which_all_users_may_replace_the_file_is_warned_of(tmp_path, mode, warned):
    folder = tmp_path / "open"
    folder.mkdir()
    create_key_file(folder / "mfa.keys", K1)
    (tmp_path / "link.keys").symlink_to(folder / "mfa.keys")
    folder.chmod(mode)
    for path in (folder / "mfa.keys", tmp_path / "link.keys"):
        warning = KeyFile(path).warning
        assert (
            warning == f"the folder {folder} has mode {mode:04o}: other users may replace the keys"
        ) is warned


def test_a_named_pipe_is_an_error_and_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "mfa.keys")
    for path in (tmp_path / "mfa.keys", tmp_path, Path("/dev/zero")):
        with pytest.raises(ConfigurationError, match="is not a regular file"):
            KeyFile(path)


def test_a_key_of_zero_bytes_is_an_error(path):
    path.write_text(f"k1:{'A' * 43}\n", encoding="ascii")
    with pytest.raises(InvalidKeyError, match="is no random key"):
        KeyFile(path)
