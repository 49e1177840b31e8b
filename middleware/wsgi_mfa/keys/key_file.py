"""A file that holds the key ring, and may be changed while workers run (D29).

A file of keys is made under a random name, exclusively and for its owner alone, and then linked into place: nobody
can prepare the name, and nobody ever sees half of a ring. A symbolic link is followed where an operator has put the
ring elsewhere, as secret stores do; a rotation then changes the file behind the link.
"""

from __future__ import annotations

import logging
import os
import stat
from contextlib import suppress
from pathlib import Path

from wsgi_mfa.entropy import SystemEntropy
from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.keys.ring import KeyRing

logger = logging.getLogger("wsgi_mfa")

_OWNER_ONLY = 0o600
#: A new file only: an existing one is an error, and so is a symbolic link of that name, whatever it leads to.
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
#: Opening a named pipe waits for its writer otherwise.
_TO_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)


class KeyFile:
    """The key ring in the file ``path``, as :meth:`~wsgi_mfa.keys.ring.KeyRing.from_text` reads it.

    A file that other users may read or write is used, and a warning is logged.

    :raises ConfigurationError: the file cannot be read, or holds no ring.
    """

    __slots__ = ("_text", "path", "ring", "warning")

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()  # a server may change its folder later
        self.warning: str | None = None
        self._text = self._read()
        self.ring = KeyRing.from_text(self._text, setting=str(path))
        if self.warning is not None:
            logger.warning("%s", self.warning)

    def reread(self) -> bool:
        """Use the ring in the file if it has changed; a file without a ring leaves the present ring in use."""
        try:
            text = self._read()
            if text == self._text:
                return False
            self.ring = KeyRing.from_text(text, setting=str(self.path))
            self._text = text
        except ConfigurationError as error:
            logger.error("the keys in use stay as they are: %s", error)
            return False
        logger.warning("read the keys again: %s", ", ".join(self.ring.ids))
        if self.warning is not None:
            logger.warning("%s", self.warning)
        return True

    def replace(self, text: str) -> None:
        """Write the ring ``text`` in place of the one that was read, for the same users, whole or not at all.

        Where ``path`` is a symbolic link, the file behind it is replaced and the link stays.

        :raises ConfigurationError: it cannot be written, is no ring, or another process has changed the file.
        """
        ring = KeyRing.from_text(text, setting=str(self.path))
        try:
            target = self.path.resolve(strict=True)
            found = target.stat()
        except (OSError, RuntimeError) as error:  # a loop of links is a RuntimeError before Python 3.13
            raise self._unwritable(error) from error
        draft = target.with_name(f"{target.name}.new")
        try:
            _write_new(draft, text, like=found)
        except FileExistsError:
            raise ConfigurationError(
                f"{draft} exists: another process is changing the keys, or was cut off; in that case remove it"
            ) from None
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            if self._read() != self._text or self.path.resolve() != target:
                raise ConfigurationError(f"{self.path} was changed meanwhile; try again")
            draft.replace(target)
            _flush_folder(target.parent)
        except OSError as error:
            raise self._unwritable(error) from error
        finally:
            draft.unlink(missing_ok=True)
        self.ring, self._text = ring, text

    def _read(self) -> str:
        try:
            descriptor = os.open(self.path, _TO_READ)
            try:
                found = os.fstat(descriptor)
                if not stat.S_ISREG(found.st_mode):
                    raise ConfigurationError(f"{self.path} is not a regular file", setting="keys")
                with open(descriptor, encoding="ascii", closefd=False) as file:
                    text = file.read().strip()
            finally:
                os.close(descriptor)
            warnings = (_wide_mode(self.path, found), _open_folder(self.path))
            self.warning = "; ".join(warning for warning in warnings if warning is not None) or None
            return text
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{self.path} cannot be read: {error}", setting="keys") from None

    def _unwritable(self, error: OSError | RuntimeError) -> ConfigurationError:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return ConfigurationError(f"{self.path} cannot be written: {reason}", setting="keys")


def create_key_file(path: Path, text: str) -> None:
    """Write the ring ``text`` to a new file at ``path``; a file that exists there stays as it is.

    :raises ConfigurationError: the file cannot be made.
    """
    draft = path.with_name(f"{path.name}.{SystemEntropy().token_bytes(8).hex()}.new")
    try:
        try:
            _write_new(draft, text)
            with suppress(FileExistsError):  # another process was faster: its key is the one
                os.link(draft, path)
            _flush_folder(path.parent)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(f"cannot make the keys {path}: {error.strerror or error}") from None


def _write_new(draft: Path, text: str, *, like: os.stat_result | None = None) -> None:
    """Write a new file that its owner alone may read; ``like`` is the file whose readers it shall have.

    :raises FileExistsError: there is something of that name, be it a symbolic link.
    """
    descriptor = os.open(draft, _NEW_FILE, _OWNER_ONLY)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            if like is not None:
                # An operator may be root, and the workers, which must go on reading the file, are not.
                if os.geteuid() == 0:
                    os.fchown(descriptor, like.st_uid, like.st_gid)
                os.fchmod(descriptor, stat.S_IMODE(like.st_mode))
            file.write(text + "\n")
            file.flush()
            os.fsync(descriptor)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _flush_folder(folder: Path) -> None:
    """Make the name of a new file as durable as its content."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _wide_mode(path: Path, found: os.stat_result) -> str | None:
    mode = stat.S_IMODE(found.st_mode)
    if not mode & ~_OWNER_ONLY & 0o777:
        return None
    rights = " and ".join(verb for verb, bits in (("read", 0o044), ("write", 0o022)) if mode & bits)
    told = f"other users may {rights} the keys; " if rights else ""
    return f"{path} has mode {mode:04o}: {told}make it 0600 (chmod 600)"


def _open_folder(path: Path) -> str | None:
    """Return a warning where every user may put another file in place of this one, or of the one behind the link."""
    for folder in dict.fromkeys((path.parent, path.resolve().parent)):
        mode = folder.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            return f"the folder {folder} has mode {stat.S_IMODE(mode):04o}: other users may replace the keys"
    return None
