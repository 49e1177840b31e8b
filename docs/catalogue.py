"""Make ``catalogue.md``: the scenario files of the repository by theme, and the complaints that they play.

``tox run -e pages`` writes it; the page is not committed. Tests hold ``catalogue.toml`` and the files together.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mfa_simulator.language.parser import read_file

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).resolve().parent
PAGE = HERE / "catalogue.md"
SCENARIOS = HERE.parent / "fixtures" / "scenarios"
SUFFIX = ".mfa.yaml"
WHY = "# Why: "
COMPLAINT = re.compile(r"complaint-([1-9][0-9]*)")
HEAD = """\
# The catalogue of scenarios

Made by `python docs/catalogue.py` from the files in `fixtures/scenarios` and from `docs/catalogue.toml`: change those.
`mfa-sim run fixtures/scenarios` plays them all; a file with several rows stands for as many scenarios.
`tox run -e sabotage` breaks the middleware in one place at a time and fails where none of them notices.
[scenarios](scenarios.md) tells of the format.

The stories are told around the reference portal. `mfa-sim run --app` plays them around another one; where its
adapter tells the sign-ins of a user apart, as `AuthTkt` does, a lock ends the sign-in too, so that stories of locks
come to the portal's own sign-in page.
"""

Data = dict[str, dict[str, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """One scenario file: ``why`` is its first line, ``runs`` the number of its rows."""

    path: Path
    title: str
    why: str
    tags: tuple[str, ...]
    runs: int

    @property
    def theme(self) -> str:
        return self.path.parent.name

    @property
    def name(self) -> str:
        return self.path.name.removesuffix(SUFFIX)

    @property
    def link(self) -> str:
        return f"[{self.name}](../{self.path.relative_to(HERE.parent).as_posix()})"

    @property
    def complaints(self) -> tuple[str, ...]:
        """The numbers of the complaints that it plays, as text."""
        return tuple(found[1] for tag in self.tags if (found := COMPLAINT.fullmatch(tag)))


def read_data() -> Data:
    """The tables ``themes``, ``complaints``, ``not_played`` and ``remarks``."""
    return tomllib.loads((HERE / "catalogue.toml").read_text(encoding="utf-8"))


def read_stories(folder: Path = SCENARIOS) -> list[Story]:
    """All scenario files, by path."""
    stories = []
    for path in sorted(folder.rglob(f"*{SUFFIX}")):
        rows = read_file(path)
        first = path.read_text(encoding="utf-8").split("\n", 1)[0]
        stories.append(
            Story(
                path=path,
                title=rows[0].title,
                why=first.removeprefix(WHY),
                tags=rows[0].tags,
                runs=len(rows),
            )
        )
    return stories


def page(data: Data, stories: list[Story]) -> str:
    """The whole page in Markdown."""
    parts = [HEAD]
    for theme, title in data["themes"].items():
        parts.append(f"\n## {title}\n\n| file | what it shows, and why | tags |\n|---|---|---|\n")
        parts += [_row(story) for story in stories if story.theme == theme]
    parts.append("\n## What users complain of\n\n| | complaint | played by |\n|---|---|---|\n")
    parts += [
        f"| {number} | {_cell(complaint)} | {_cell(_played(number, data, stories))} |\n"
        for number, complaint in data["complaints"].items()
    ]
    return "".join(parts)


def _row(story: Story) -> str:
    rows = f" ({story.runs} rows)" if story.runs > 1 else ""
    tags = ", ".join(tag for tag in story.tags if not COMPLAINT.fullmatch(tag))
    why = story.why[:1].upper() + story.why[1:]
    return f"| {story.link}{rows} | **{_cell(story.title)}.** {_cell(why)} | {tags} |\n"


def _played(number: str, data: Data, stories: Iterable[Story]) -> str:
    if number in data["not_played"]:
        return f"cannot be played, because {data['not_played'][number]}"
    files = ", ".join(story.link for story in stories if number in story.complaints)
    remark = data["remarks"].get(number)
    return f"{files}: {remark}" if remark else files


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(read_data(), read_stories()), encoding="utf-8")
