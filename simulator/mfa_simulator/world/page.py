"""A page as a person reads it: its words, forms and links, and what stands in marked places."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from html.parser import HTMLParser

# What no person reads; taken out beforehand, because it is most of a page and slow to go through.
UNSEEN = re.compile(r"<(style|script)\b[^<]*(?:<(?!/\1>)[^<]*)*</\1>", re.IGNORECASE)
BODY = re.compile(rb"<body\b(?:[^>\"']|\"[^\"]*\"|'[^']*')*>", re.IGNORECASE)
META = re.compile(r"<meta\b(?:[^>\"']|\"[^\"]*\"|'[^']*')*>", re.IGNORECASE)
VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One field of a form; `label` are the words of the label that it stands in."""

    name: str
    kind: str = "text"
    value: str = ""
    checked: bool = False
    label: str = ""


@dataclass(kw_only=True, slots=True)
class Form:
    """A form with its fields; the names of its buttons are among `buttons`, and `words` are all that it says."""

    action: str
    method: str = "GET"
    fields: list[Field] = field(default_factory=list)
    buttons: list[str] = field(default_factory=list)
    words: str = ""

    def has(self, name: str) -> bool:
        """Whether the form has a field of this name."""
        return any(item.name == name for item in self.fields)

    def filled(self, values: dict[str, str]) -> list[tuple[str, str]]:
        """Give what a browser sends when a person fills in `values` (for a tick box any text ticks it)."""
        pairs = []
        for item in self.fields:
            if item.kind == "radio":
                if item.value == values[item.name] if item.name in values else item.checked:
                    pairs.append((item.name, item.value))
            elif item.kind == "checkbox":
                if item.name in values or item.checked:
                    pairs.append((item.name, item.value or "on"))
            elif item.kind not in ("submit", "button", "image", "reset"):
                pairs.append((item.name, values.get(item.name, item.value)))
        return pairs


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A link and its words."""

    href: str
    words: str


@dataclass(kw_only=True, slots=True)
class Page:
    """What a page holds.

    `marks` are the body's data attributes without their prefix, `texts` the words inside each element that has an id,
    `paths` the shapes of its drawings, `refresh` where it leads on by itself.
    """

    marks: dict[str, str] = field(default_factory=dict)
    forms: list[Form] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)
    refresh: str | None = None
    words: str = ""

    def form_with(self, name: str) -> Form | None:
        """Give the first form that has a field of this name."""
        return next((form for form in self.forms if form.has(name)), None)

    def form_to(self, ending: str) -> Form | None:
        """Give the first form whose action ends so."""
        return next((form for form in self.forms if form.action.partition("?")[0].endswith(ending)), None)

    def link_that_says(self, words: str) -> Link | None:
        """Give the first link with these words in it, whatever their case."""
        return next((link for link in self.links if words.lower() in link.words.lower()), None)

    def link_to(self, ending: str) -> Link | None:
        """Give the first link whose address ends so."""
        return next((link for link in self.links if link.href.partition("?")[0].endswith(ending)), None)

    @property
    def asks_for_password(self) -> bool:
        """Whether the page has a field for a password."""
        return any(item.kind == "password" for form in self.forms for item in form.fields)


@lru_cache(maxsize=256)
def read_page(html: str) -> Page:
    """Read a page; who reads the same page again is given the same value, which nobody may change."""
    reader = _PageParser()
    reader.feed(UNSEEN.sub("", html))
    reader.close()
    reader.page.words = " ".join(" ".join(reader.spoken).split())
    return reader.page


def body_marks(html: bytes) -> Mapping[str, str]:
    """Read the body's data attributes alone."""
    match = BODY.search(html)
    return _marks_in(match[0]) if match is not None else {}


@lru_cache(maxsize=256)
def _marks_in(tag: bytes) -> Mapping[str, str]:
    return read_page(tag.decode("utf-8", "replace")).marks


def refresh_in(html: str) -> str | None:
    """Read alone where a page leads on to by itself."""
    found = (read_page(tag).refresh for tag in META.findall(UNSEEN.sub("", html)))
    return next((target for target in found if target is not None), None)


class _PageParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self.spoken: list[str] = []
        self._open: list[tuple[str, str | None]] = []
        self._form: Form | None = None
        self._link: tuple[str, list[str]] | None = None
        self._label: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            self._open.append((tag, values.get("id")))
        if tag == "body":
            self.page.marks = _marks(values.items())
        elif tag == "form":
            method = values.get("method", "get").upper()
            self._form = Form(action=values.get("action", ""), method=method)
            self.page.forms.append(self._form)
        elif tag in ("input", "button", "textarea", "select"):
            self._take_field(tag, values)
        elif tag == "label":
            self._label = ""
        elif tag == "a" and "href" in values:
            self._link = (values["href"], [])
        elif tag == "path" and "d" in values:
            self.page.paths.append(values["d"])
        elif tag == "meta" and values.get("http-equiv", "").lower() == "refresh":
            _, _, target = values.get("content", "").partition(";")
            name, _, url = target.strip().partition("=")
            if name.strip().lower() == "url":
                self.page.refresh = url.strip().strip("'\"")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def _take_field(self, tag: str, values: dict[str, str]) -> None:
        if self._form is None or "disabled" in values:
            return
        name, kind = values.get("name", ""), values.get("type", "submit" if tag == "button" else "text")
        if tag == "button" or kind == "submit":
            self._form.buttons.append(name)
        if name and tag != "button":
            value = values.get("value", "")
            self._form.fields.append(Field(name=name, kind=kind, value=value, checked="checked" in values))

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            opened, _ = self._open.pop()
            if opened == tag:
                break
        if tag == "form":
            self._form = None
        elif tag == "label":
            self._end_label()
        elif tag == "a" and self._link is not None:
            href, words = self._link
            self.page.links.append(Link(href=href, words=" ".join("".join(words).split())))
            self._link = None

    def _end_label(self) -> None:
        """Give the words of a label to the field that stands in it."""
        fields = self._form.fields if self._form is not None else []
        if self._label and fields and fields[-1].kind == "checkbox":
            fields[-1] = replace(fields[-1], label=" ".join(self._label.split()))
        self._label = None

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1][0] == "title":
            return
        self.spoken.append(data)
        if self._form is not None:
            self._form.words += data
        if self._label is not None:
            self._label += data
        if self._link is not None:
            self._link[1].append(data)
        for _, name in self._open:
            if name is not None:
                self.page.texts[name] = self.page.texts.get(name, "") + data


def _marks(attributes: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name.removeprefix("data-"): value for name, value in attributes if name.startswith("data-")}
