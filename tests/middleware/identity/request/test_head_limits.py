"""A request's head is rejected before it is taken apart where no client would send so much."""

from __future__ import annotations

import pytest

from wsgi_mfa.identity.request import head_limits
from wsgi_mfa.identity.request.head_limits import HeadTooLargeError

pytestmark = pytest.mark.requirement("D43a")


@pytest.mark.parametrize(
    ("check", "most", "status"),
    [
        (head_limits.check_cookies, "a" * head_limits.COOKIE_BYTES_MAX, 431),
        (head_limits.check_cookies, "a;" * (head_limits.COOKIES_MAX - 1), 431),
        (head_limits.check_query, "a" * head_limits.QUERY_BYTES_MAX, 414),
        (head_limits.check_path, "/" * head_limits.PATH_BYTES_MAX, 414),
    ],
)
def test_what_reaches_the_limit_is_read_and_what_passes_it_is_not(check, most, status) -> None:
    check(most)
    with pytest.raises(HeadTooLargeError, match="at most") as caught:
        check(most + ";")
    assert caught.value.status == status


def test_names_of_headers_are_counted_and_those_of_the_server_are_not() -> None:
    names = [f"HTTP_X{number}" for number in range(head_limits.NEW_NAMES_MAX)]
    head_limits.check_names([*names, *(f"server.{number}" for number in range(9000))])
    with pytest.raises(HeadTooLargeError, match="too many headers"):
        head_limits.check_names([*names, "HTTP_Y"])


def test_a_long_name_of_the_server_is_its_own_affair() -> None:
    head_limits.check_names(["a" * 9000, "HTTP_" + "A" * (head_limits.NAME_BYTES_MAX - 5)])
    with pytest.raises(HeadTooLargeError, match="too long a name") as caught:
        head_limits.check_names(["HTTP_" + "A" * head_limits.NAME_BYTES_MAX])
    assert caught.value.status == 431
