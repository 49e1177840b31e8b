"""Values as JSON text and back."""

from __future__ import annotations

import json
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from enum import Enum
from itertools import pairwise
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsgi_mfa.core.account import Account, Failures, KnownBrowser, Method, Session
from wsgi_mfa.core.codec import ACCOUNT_CODEC, EVENT_CODEC, Codec, CodecError
from wsgi_mfa.core.events import Event
from wsgi_mfa.core.schema import ACCOUNT_STEPS

ACCOUNT = Account(
    user="user1",
    generation="g",
    revision="r",
    saved_at=7,
    sessions=(
        Session(id="s", browser="b", login=None, method=Method.CODE, verified_at=1, seen_at=2),
        Session(id="t", browser="b", login="l", method=Method.RECOVERY_CODE, verified_at=3, seen_at=4),
    ),
    hints=(1, 2),
)
EVENT = Event(
    at=1, user="user1", kind="sign_in.accepted", details=(("method", "code"),), save_id="r", index=1
)


def anything(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a field's type, every field of a dataclass drawn, whatever its default."""
    arguments = get_args(hint)
    if get_origin(hint) in (Union, UnionType):
        return st.one_of([anything(argument) for argument in arguments])
    if get_origin(hint) is tuple and arguments[-1] is Ellipsis:
        return st.lists(anything(arguments[0]), max_size=3).map(tuple)
    if get_origin(hint) is tuple:
        return st.tuples(*[anything(argument) for argument in arguments])
    if is_dataclass(hint) and isinstance(hint, type):
        hints = get_type_hints(hint)
        return st.builds(
            hint, **{field.name: anything(hints[field.name]) for field in fields(hint) if field.init}
        )
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    return {
        str: st.text(max_size=8),
        int: st.integers(-(2**70), 2**70),
        bool: st.booleans(),
        NoneType: st.none(),
    }[hint]


@given(anything(Account))
@settings(max_examples=60)
def test_an_account_comes_back_as_it_was(account: Account) -> None:
    text = ACCOUNT_CODEC.encode(account)
    again = ACCOUNT_CODEC.decode(text)
    assert (again, again.mac) == (account, account.mac)
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    assert text.isascii()


@pytest.mark.parametrize("older", [step.number - 1 for step in ACCOUNT_STEPS])
@given(account=anything(Account))
@settings(max_examples=50)
def test_an_older_form_and_back_keeps_what_the_older_form_can_hold(older: int, account: Account) -> None:
    text = ACCOUNT_CODEC.encode(account, schema=older)
    kept = ACCOUNT_CODEC.decode(text)
    assert ACCOUNT_CODEC.encode(kept, schema=older) == text
    assert ACCOUNT_CODEC.decode(ACCOUNT_CODEC.encode(kept)) == kept
    assert json.loads(text)["schema"] == older
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))


@given(account=anything(Account), fence=st.text(max_size=8))
@settings(max_examples=50)
def test_the_step_from_1_to_2_takes_out_the_fence_and_granted_tries(account: Account, fence: str) -> None:
    held = as_form_1_could_hold_it(account)
    document = json.loads(ACCOUNT_CODEC.encode(held, schema=1))
    document["value"]["fence"] = fence
    document["value"].setdefault("code_failures", {})["granted_count"] = 7
    document["value"].setdefault("recovery_failures", {})["granted_count"] = 7
    assert ACCOUNT_CODEC.decode(json.dumps(document)) == held


def as_form_1_could_hold_it(account: Account) -> Account:
    return replace(
        account,
        known_browsers=(),
        known_failures=(),
        granted_tries=(),
        unlock_code=None,
        resyncs_begun=(),
        app_passwords=(),
        spellings=(),
        refused_spellings=(),
        code_failures=replace(account.code_failures, days=()),
        pending=tuple(replace(pending, wrong_count=0) for pending in account.pending),
        remembered_browsers=tuple(replace(browser, known_id=None) for browser in account.remembered_browsers),
    )


@pytest.mark.requirement("D47")
def test_the_form_1_counts_the_failures_of_known_browsers_with_all_others() -> None:
    failures = Failures(days=((5, 2), (7, 1)))
    account = replace(ACCOUNT, code_failures=failures, known_failures=((6, 9), (7, 3)))
    older = ACCOUNT_CODEC.decode(ACCOUNT_CODEC.encode(account, schema=1))
    assert older.code_failures.days == ((5, 2), (6, 9), (7, 4))
    assert older.known_failures == ()


@pytest.mark.requirement("D46")
def test_a_known_browser_adds_at_most_120_bytes_to_a_stored_account() -> None:
    digest = "x" * 22
    browser = KnownBrowser(id="x" * 8, digest=digest, previous=digest, seen_day=20_512, is_granted=False)
    eight = tuple(replace(browser, id=f"{number:08}") for number in range(8))
    lengths = [len(ACCOUNT_CODEC.encode(replace(ACCOUNT, known_browsers=eight[:count]))) for count in (1, 8)]
    assert (lengths[1] - lengths[0]) / 7 <= 120


@given(anything(Event))
def test_an_event_comes_back_as_it_was(event: Event) -> None:
    assert EVENT_CODEC.decode(EVENT_CODEC.encode(event)) == event


def test_text_that_cannot_be_utf_8_comes_back_as_it_was() -> None:
    account = replace(ACCOUNT, address='\ud800 \x00 "\\\n\u2028 \U0001f600')
    assert ACCOUNT_CODEC.decode(ACCOUNT_CODEC.encode(account)) == account


def test_what_was_stored_by_the_first_version_is_still_read_and_can_be_written() -> None:
    text = (
        '{"schema":1,"value":{"generation":"g","hints":[1,2],"revision":"r","saved_at":7,"sessions":['
        '{"browser":"b","id":"s","login":null,"method":"code","seen_at":2,"verified_at":1},'
        '{"browser":"b","id":"t","login":"l","method":"recovery_code","seen_at":4,"verified_at":3}],'
        '"user":"user1"}}'
    )
    assert ACCOUNT_CODEC.decode(text) == ACCOUNT
    assert ACCOUNT_CODEC.encode(ACCOUNT, schema=1) == text
    assert ACCOUNT_CODEC.encode(ACCOUNT) == text.replace('"schema":1', '"schema":3')


def defaults_of(kind: type[Any]) -> list[tuple[str, object]]:
    return [(f"{kind.__name__}.{field.name}", field.default) for field in fields(kind)]


@pytest.mark.parametrize(
    ("name", "default"),
    [
        (name, default)
        for name, default in defaults_of(Account) + defaults_of(Event)
        if default is not MISSING
    ],
)
def test_every_default_of_what_is_stored_is_an_empty_value(name: str, default: object) -> None:
    # A default is not stored, so another one would change the accounts that are: it needs a new schema.
    if is_dataclass(default) and not isinstance(default, type):
        assert default == type(default)(), name
        assert not any(getattr(default, field.name) for field in fields(default)), name
    else:
        assert not default, name


@dataclass(frozen=True, kw_only=True, slots=True)
class Older:
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Newer:
    name: str
    count: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Demanding:
    name: str
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    count: int

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError("Checked.count: legal is 0 and more")


@dataclass(frozen=True, kw_only=True, slots=True)
class Flag:
    on: bool = False


def test_a_field_with_a_default_may_be_added() -> None:
    assert Codec(Newer, schema=1).decode(Codec(Older, schema=1).encode(Older(name="a"))) == Newer(name="a")


def test_a_field_without_a_default_is_missed() -> None:
    with pytest.raises(CodecError, match=r"^demanding lacks count$"):
        Codec(Demanding, schema=1).decode(Codec(Older, schema=1).encode(Older(name="a")))


def test_a_field_of_a_newer_version_is_not_passed_over() -> None:
    text = Codec(Newer, schema=1).encode(Newer(name="a", count=1))
    with pytest.raises(CodecError, match=r"^older\.count is not known to this version$"):
        Codec(Older, schema=1).decode(text)


def test_a_text_of_another_schema_is_refused() -> None:
    with pytest.raises(CodecError, match=r"^older\.schema is 2, and this release reads 1; a newer release"):
        Codec(Older, schema=1).decode(Codec(Older, schema=2).encode(Older(name="a")))


def test_what_a_dataclass_refuses_is_refused() -> None:
    with pytest.raises(CodecError, match="legal is 0 and more"):
        Codec(Checked, schema=1).decode('{"schema":1,"value":{"count":-1}}')


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("account.user", 1),
        ("account.user", None),
        ("account.saved_at", "7"),
        ("account.saved_at", True),
        ("account.address", 1),
        ("account.enrollment_code_needed", 1),
        ("account.hints", None),
        ("account.hints", {}),
        ("account.hints[1]", "2"),
        ("account.sessions[1]", []),
        ("account.sessions[1].login", 3),
        ("account.sessions[0].method", "password"),
        ("account.sessions[0].method", []),
        ("account.sessions[0].verified_at", None),
        ("account.code_failures", None),
        ("account.code_failures.days", [[1, 2], [3]]),
        ("account.code_failures.days[0]", [1, 2, 3]),
        ("account.recovery_code.id", 1),
    ],
)
def test_a_value_of_another_type_is_refused_with_the_path_to_it(path: str, value: object) -> None:
    text = json.dumps(
        {"schema": 3, "value": changed(json.loads(ACCOUNT_CODEC.encode(ACCOUNT))["value"], path, value)}
    )
    with pytest.raises(CodecError) as caught:
        ACCOUNT_CODEC.decode(text)
    assert caught.value.path.startswith(path)
    assert str(caught.value) == f"{caught.value.path} {caught.value.reason}"


def changed(body: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """``body`` with another value at ``path``, which is made where it is not there."""
    parts = [
        int(part) if part.isdigit() else part
        for part in path.replace("[", ".").replace("]", "").split(".")[1:]
    ]
    place: Any = body
    for part, following in pairwise(parts):
        empty: Any = [None] if isinstance(following, int) else {}
        place = place.setdefault(part, empty) if isinstance(place, dict) else place[part]
    place[parts[-1]] = value
    return body


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '"text"',
        "{}",
        '{"schema":1}',
        '{"value":{}}',
        '{"schema":true,"value":{"generation":"g","user":"u"}}',
        '{"schema":"1","value":{"generation":"g","user":"u"}}',
        '{"schema":2,"value":{"generation":"g","user":"u"},"more":1}',
        '{"schema":1,"value":[]}',
        '{"schema":2,"value":[]}',
        '{"schema":1,"value":null}',
        '{"schema":null,"value":{"generation":"g","user":"u"}}',
        '{"schema":0,"value":{"generation":"g","user":"u"}}',
        '{"schema":4,"value":{"generation":"g","user":"u"}}',
        '{"mac":"","schema":4,"value":{"generation":"g","user":"u"}}',
        '{"mac":"k1.x","schema":2,"value":{"generation":"g","user":"u"}}',
        '{"mac":"k1.x","schema": 3,"value":{"generation":"g","user":"u"}}',
        '{"schema":3,"mac":"k1.x","value":{"generation":"g","user":"u"}}',
        '{"mac":1,"schema":3,"value":{"generation":"g","user":"u"}}',
        '{"mac":"k1.x","schema":3,"value":{"generation":"g","user":"u"}} ',
        '{"schema":3,"value":{"generation":"g","mac":"k1.x","user":"u"}}',
        '{"schema":1.0,"value":{"generation":"g","user":"u"}}',
        '{"schema":2,"value":{"generation":"g","user":"u"}} ,',
        '{"schema":2,"value":{"generation":"g","user":"u","saved_at":1.0}}',
        '{"schema":2,"value":{"generation":"g","user":"u","saved_at":1e3}}',
        '{"schema":2,"value":{"generation":"g","user":"u","saved_at":NaN}}',
        '{"schema":2,"value":{"generation":"g","user":"u","saved_at":Infinity}}',
        '{"schema":2,"value":' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"schema":2,"value":{"generation":"g","user":"u","saved_at":' + "9" * 5000 + "}}",
    ],
)
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(CodecError, match=r"^account"):
        ACCOUNT_CODEC.decode(text)


def test_the_bytes_of_a_good_text_are_refused() -> None:
    with pytest.raises(CodecError, match=r"^account is not JSON$"):
        ACCOUNT_CODEC.decode(ACCOUNT_CODEC.encode(ACCOUNT).encode())  # type: ignore[arg-type]


@given(st.text(max_size=40) | st.binary(max_size=40))
def test_rubbish_never_raises_another_error(text: Any) -> None:
    with pytest.raises(CodecError):
        ACCOUNT_CODEC.decode(text)


@pytest.mark.parametrize(
    ("path", "fields_changed"),
    [
        ("account.user", {"user": None}),
        ("account.saved_at", {"saved_at": 1.5}),
        ("account.saved_at", {"saved_at": True}),
        ("account.enrollment_code_needed", {"enrollment_code_needed": 0}),
        ("account.hints", {"hints": [1]}),
        ("account.hints[1]", {"hints": (1, "2")}),
        ("account.code_failures", {"code_failures": None}),
        ("account.sessions[0]", {"sessions": (EVENT,)}),
        (
            "account.sessions[1].method",
            {"sessions": (ACCOUNT.sessions[0], replace(ACCOUNT.sessions[1], method="code"))},
        ),
    ],
)
def test_a_value_of_another_type_is_never_written(path: str, fields_changed: dict[str, Any]) -> None:
    with pytest.raises(CodecError) as caught:
        ACCOUNT_CODEC.encode(replace(ACCOUNT, **fields_changed))
    assert caught.value.path == path


def test_an_error_does_not_repeat_what_was_stored() -> None:
    text = ACCOUNT_CODEC.encode(ACCOUNT).replace('"recovery_code"', '"hunter2"')
    with pytest.raises(CodecError) as caught:
        ACCOUNT_CODEC.decode(text)
    assert caught.value.path == "account.sessions[1].method"
    assert "hunter2" not in str(caught.value)


def test_a_dataclass_of_one_field_has_a_form_too() -> None:
    codec = Codec(Flag, schema=3)
    assert codec.encode(Flag(on=True)) == '{"schema":3,"value":{"on":true}}'
    assert codec.encode(Flag()) == '{"schema":3,"value":{}}'
    assert codec.decode(codec.encode(Flag(on=True))) == Flag(on=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class WithFloat:
    share: float


@dataclass(frozen=True, kw_only=True, slots=True)
class WithChoice:
    either: int | str


@dataclass(frozen=True, kw_only=True, slots=True)
class WithDictionary:
    words: dict[str, str]


@pytest.mark.parametrize("kind", [WithFloat, WithChoice, WithDictionary])
def test_a_type_without_a_form_is_refused_when_the_codec_is_made(kind: type[Any]) -> None:
    with pytest.raises(TypeError, match="has no JSON form"):
        Codec(kind, schema=1)
