"""The breaks: each a small change of one rule of the middleware, by name."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).resolve().parent
BREAKS = HERE / "breaks"
SCENARIOS = HERE.parents[1] / "fixtures" / "scenarios"
SUFFIX = ".mfa.yaml"
PACKAGE = "wsgi_mfa"


@dataclass(frozen=True, kw_only=True, slots=True)
class Break:
    """One broken rule: ``name`` says what is wrong then, and ``area`` is the file in which it is written down.

    In ``file`` of the package the text ``old`` becomes ``new``; ``likely`` are the scenarios that should notice.
    """

    area: str
    name: str
    file: str
    old: str
    new: str
    likely: tuple[str, ...]

    @property
    def module(self) -> str:
        """The dotted name of the module that is changed."""
        return ".".join((PACKAGE, *Path(self.file).with_suffix("").parts))

    def applied(self, package: Path) -> str:
        """The text of the file with the change in it.

        :raises ValueError: what is to be changed does not stand there exactly once, or nothing is changed.
        :raises SyntaxError: what is left is no Python.
        """
        text = (package / self.file).read_text(encoding="utf-8")
        count = text.count(self.old)
        if count != 1:
            raise ValueError(f"{self.file} has this {count} times: {self.old.strip()!r}")
        changed = text.replace(self.old, self.new)
        if changed == text:
            raise ValueError(f"the change of {self.file} changes nothing")
        compile(changed, self.file, "exec", dont_inherit=True)
        return changed


def read_breaks(folder: Path = BREAKS) -> list[Break]:
    """All breaks, by file and in the order in which they stand there."""
    return [
        Break(area=path.stem, **{**table, "likely": tuple(table["likely"])})
        for path in sorted(folder.glob("*.toml"))
        for table in tomllib.loads(path.read_text(encoding="utf-8"))["break"]
    ]


def package_folder() -> Path:
    """Where the middleware is that is to be broken: the one that Python finds."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{PACKAGE} is not installed")
    return Path(spec.origin).parent


def misfits(breaks: Sequence[Break], package: Path) -> Iterator[str]:
    """Why a break does not fit the middleware and the catalogue, for each one that does not."""
    for broken in breaks:
        try:
            broken.applied(package)
        except (OSError, ValueError, SyntaxError) as error:
            yield f"{broken.area}.toml: {broken.name}: {error}"
        for story in broken.likely:
            if not (SCENARIOS / f"{story}{SUFFIX}").exists():
                yield f"{broken.area}.toml: {broken.name}: there is no scenario {story}"
