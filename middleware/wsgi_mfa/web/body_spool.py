"""A request's body, read to its end before the application gets it, byte for byte and with its length."""

from __future__ import annotations

import io
import mmap
import tempfile
from collections.abc import Iterator, Mapping
from typing import IO, Any

from wsgi_mfa.web.http_errors import BadRequestError, TooLargeError

MEMORY_BYTES_MAX = 1024 * 1024
_CHUNK_BYTES = 256 * 1024


class SpooledBody:
    """Serves as ``wsgi.input``: the whole body, in memory or in a temporary file that goes with this object.

    A file that the server has ``lent`` stays open.
    """

    def __init__(self, file: IO[bytes], length: int, *, lent: bool = False) -> None:
        self._file = file
        self._is_lent = lent
        self.length = length
        self.read = file.read
        self.readline = file.readline
        self.readlines = file.readlines
        self.seek = file.seek
        self.tell = file.tell

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._file)

    def __del__(self) -> None:
        if not self._is_lent:
            self._file.close()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def content(self) -> bytes | mmap.mmap:
        """Return the whole body without moving the place at which the application reads."""
        if isinstance(self._file, io.BytesIO):
            return self._file.getvalue()
        return mmap.mmap(self._file.fileno(), self.length, access=mmap.ACCESS_READ)


def has_body(environ: Mapping[str, Any]) -> bool:
    """Return whether a request comes with a body, as far as its headers say."""
    length = environ.get("CONTENT_LENGTH")
    if length not in (None, "", "0"):
        return True
    return bool(
        not length and (environ.get("wsgi.input_terminated") or environ.get("HTTP_TRANSFER_ENCODING"))
    )


def spool_body(environ: dict[str, Any], *, bytes_max: int) -> SpooledBody:
    """Read the body, and leave it in ``environ`` with its length.

    :raises TooLargeError: it has more than ``bytes_max`` bytes.
    :raises BadRequestError: its length is no number or is missing, or it is cut off.
    """
    found = environ.get("wsgi.input")
    if isinstance(found, SpooledBody):
        return found
    length = _length_of(environ)
    if length is not None and length > bytes_max:
        raise TooLargeError(bytes_max)
    if length and (whole := _whole_in(found, length)) is not None:
        body = environ["wsgi.input"] = SpooledBody(whole, length, lent=True)
        return body
    small = (length if length is not None else bytes_max) <= MEMORY_BYTES_MAX
    file: IO[bytes] = io.BytesIO() if small else tempfile.TemporaryFile(prefix="wsgi-mfa-")  # noqa: SIM115 - closed by the object that keeps it
    try:
        count = _copied(environ["wsgi.input"], file, length, bytes_max)
    except BaseException:
        file.close()
        raise
    if length is not None and count < length:
        file.close()
        raise BadRequestError("the body is cut off")
    if not small and count <= MEMORY_BYTES_MAX:
        file.seek(0)
        file, large = io.BytesIO(file.read()), file
        large.close()
    file.seek(0)
    body = SpooledBody(file, count)
    environ["wsgi.input"] = body
    environ["CONTENT_LENGTH"] = str(count)
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    return body


def _whole_in(source: object, length: int) -> io.BytesIO | io.BufferedRandom | None:
    """Return ``source`` if the server has spooled just this body by itself, as waitress does; it need not be copied."""
    if type(source) is not io.BytesIO and type(source) is not io.BufferedRandom:
        return None
    if source.tell() != 0:
        return None
    is_whole = source.seek(0, io.SEEK_END) == length
    source.flush()
    source.seek(0)
    return source if is_whole else None


def _length_of(environ: Mapping[str, Any]) -> int | None:
    """The length of the body; None where the server ends the stream itself."""
    text = environ.get("CONTENT_LENGTH") or ""
    if text:
        if not (text.isascii() and text.isdigit()):
            raise BadRequestError("the length of the body is not a number")
        return int(text[:20])
    if not environ.get("wsgi.input_terminated"):
        raise BadRequestError("the length of the body is missing")
    return None


def _copied(source: Any, file: IO[bytes], length: int | None, bytes_max: int) -> int:  # noqa: ANN401 - a server's own type
    """Copy a body, and return its length."""
    count = 0
    while length is None or count < length:
        wanted = _CHUNK_BYTES if length is None else min(_CHUNK_BYTES, length - count)
        try:
            chunk = source.read(wanted)
        except OSError:
            # So mod_wsgi, uWSGI and Gunicorn say that the client has gone.
            raise BadRequestError("the body is cut off") from None
        if not chunk:
            break
        count += len(chunk)
        if count > bytes_max:
            raise TooLargeError(bytes_max)
        file.write(chunk)
    return count
