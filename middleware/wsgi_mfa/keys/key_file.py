"""A file that holds the key ring, and may be changed while workers run (D29)."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path

from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.keys.ring import KeyRing

logger = logging.getLogger("wsgi_mfa")


class KeyFile:
    """The key ring in the file ``path``, as :meth:`~wsgi_mfa.keys.ring.KeyRing.from_text` reads it.

    :raises ConfigurationError: the file cannot be read, or holds no ring.
    """

    __slots__ = ("_text", "path", "ring")

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()  # a server may change its folder later
        self._text = self._read()
        self.ring = KeyRing.from_text(self._text, setting=str(path))

    def reread(self) -> bool:
        """Take the file's ring if it is another one; a file that holds none leaves the present ring in use."""
        try:
            text = self._read()
            if text == self._text:
                return False
            self.ring = KeyRing.from_text(text, setting=str(self.path))
            self._text = text
        except ConfigurationError as error:
            logger.error("the keys in use stay as they are: %s", error)
            return False
        logger.warning("read the keys anew: %s", ", ".join(self.ring.ids))
        return True

    def replace(self, text: str) -> None:
        """Put the ring ``text`` in the place of the one that was read, for the same owner, whole or not at all.

        :raises ConfigurationError: it cannot be written, is no ring, or somebody else has changed the file.
        """
        ring = KeyRing.from_text(text, setting=str(self.path))
        draft = self.path.with_name(f"{self.path.name}.new")
        try:
            found = self.path.stat()
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise ConfigurationError(
                f"{draft} is there: somebody else changes the keys, or was cut off; then remove it"
            ) from None
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                # An operator may be root, and the workers, which must read it, are not.
                if os.geteuid() == 0:
                    os.fchown(descriptor, found.st_uid, found.st_gid)
                file.write(text + "\n")
                file.flush()
                os.fsync(descriptor)
            if self._read() != self._text:
                raise ConfigurationError(f"{self.path} was changed meanwhile; try again")
            draft.replace(self.path)
        except OSError as error:
            raise self._unwritable(error) from error
        finally:
            with suppress(FileNotFoundError):
                draft.unlink()
        self.ring, self._text = ring, text

    def _read(self) -> str:
        try:
            return self.path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{self.path} cannot be read: {error}", setting="keys") from None

    def _unwritable(self, error: OSError) -> ConfigurationError:
        return ConfigurationError(f"{self.path} cannot be written: {error.strerror or error}", setting="keys")
