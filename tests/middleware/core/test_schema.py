"""The numbered forms of stored values: the form before is read and written, and a later one is an error."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.codec import ACCOUNT_CODEC, EVENT_CODEC, Codec, CodecError
from wsgi_mfa.core.schema import Document, SchemaStep


@pytest.fixture(scope="session")
def first_documents() -> list[str]:
    """The documents of the database that the first code wrote."""
    dump = Path(__file__).parents[1] / "stores" / "files" / "layout-1.sql"
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(dump.read_text())
        return [body for (body,) in connection.execute("SELECT body FROM accounts ORDER BY user")]


def test_each_document_of_the_first_form_is_read_and_can_be_written_again(first_documents: list[str]) -> None:
    fences = []
    for text in first_documents:
        document = json.loads(text)["value"]
        fences.append(document.pop("fence", None))
        again = json.loads(ACCOUNT_CODEC.encode(ACCOUNT_CODEC.decode(text), schema=1))
        assert again == {"schema": 1, "value": document}
    assert sum(fence is not None for fence in fences) == 2  # the one thing that the step takes out


@pytest.mark.parametrize("number", [0, 4, 10**30, -1])
def test_a_document_of_another_release_is_an_error_that_names_both_numbers(number: int) -> None:
    text = ACCOUNT_CODEC.encode(Account(user="u", generation="g")).replace("3", str(number), 1)
    with pytest.raises(
        CodecError, match=rf"^account\.schema is {number}, and this release reads 1 to 3; .*upgrade"
    ):
        ACCOUNT_CODEC.decode(text)
    with pytest.raises(CodecError, match=rf"^account\.schema is {number}, and"):
        ACCOUNT_CODEC.encode(Account(user="u", generation="g"), schema=number)


def test_a_form_without_steps_is_named_by_its_number() -> None:
    with pytest.raises(CodecError, match=r"^event\.schema is 2, and this release reads 1; a newer release"):
        EVENT_CODEC.decode('{"schema":2,"value":{}}')


# Three forms of one value: a name became two names, and a count came.


@dataclass(frozen=True, kw_only=True, slots=True)
class First:
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Second:
    given: str
    family: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Third:
    given: str
    family: str = ""
    count: int = 0


def split(document: Document) -> Document:
    given_name, _, family = document.pop("name").partition(" ")
    return {**document, "given": given_name, **({"family": family} if family else {})}


def joined(document: Document) -> Document:
    family = document.pop("family", "")
    return {"name": f"{document.pop('given')} {family}".rstrip(" "), **document}


def same(document: Document) -> Document:
    return document


def uncounted(document: Document) -> Document:
    document.pop("count", None)
    return document


STEPS = (
    SchemaStep(number=2, upgrade=split, downgrade=joined),
    SchemaStep(number=3, upgrade=same, downgrade=uncounted),
)
FIRST, SECOND = Codec(First, schema=1), Codec(Second, schema=2, steps=STEPS[:1])
THIRD = Codec(Third, schema=3, steps=STEPS)
NAMES = st.text("abc", min_size=1, max_size=3)
THIRDS = st.builds(Third, given=NAMES, family=NAMES | st.just(""), count=st.integers(0, 9))


@given(THIRDS)
def test_the_release_before_reads_what_this_one_writes_for_it_and_this_one_reads_that(value: Third) -> None:
    second = SECOND.decode(THIRD.encode(value, schema=2))
    assert second == Second(given=value.given, family=value.family)
    assert THIRD.decode(SECOND.encode(second)) == Third(given=value.given, family=value.family)


@given(THIRDS)
def test_steps_are_taken_one_after_the_other(value: Third) -> None:
    first = FIRST.decode(THIRD.encode(value, schema=1))
    assert first == First(name=f"{value.given} {value.family}".rstrip())
    assert THIRD.decode(FIRST.encode(first)) == Third(given=value.given, family=value.family)


def test_the_release_before_does_not_take_a_document_of_this_one() -> None:
    with pytest.raises(CodecError, match=r"^second\.schema is 3, and this release reads 1 to 2"):
        SECOND.decode(THIRD.encode(Third(given="a", count=1)))


@pytest.mark.parametrize("value", [[], None, "x", {}, {"name": 1}, {"name": None}])
def test_a_document_that_a_step_cannot_read_is_an_error(value: object) -> None:
    with pytest.raises(CodecError, match=r"^third cannot be brought from schema 1 to 3$"):
        THIRD.decode(json.dumps({"schema": 1, "value": value}))


def test_what_a_step_leaves_is_checked_as_strictly() -> None:
    with pytest.raises(CodecError, match=r"^third\.more is not known to this version$"):
        THIRD.decode('{"schema":1,"value":{"name":"a b","more":1}}')


@pytest.mark.parametrize(("schema", "steps"), [(2, STEPS), (4, STEPS), (3, STEPS[::-1]), (3, STEPS[:1])])
def test_steps_that_do_not_lead_to_the_schema_are_refused(schema: int, steps: tuple[SchemaStep, ...]) -> None:
    with pytest.raises(ValueError, match=f"consecutive numbers that end at the schema {schema}"):
        Codec(Third, schema=schema, steps=steps)
