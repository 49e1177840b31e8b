"""Tests for legacy_portals.client_portal.orders."""

from __future__ import annotations

import pytest

from legacy_portals.client_portal.orders import ORDERS_MAX, OrderBook, OrderRefusedError

pytestmark = pytest.mark.any_python


def test_users_see_their_own_orders_with_the_newest_first() -> None:
    book = OrderBook()
    for user_name, quantity in (("ann", "1"), ("bob", "2"), ("ann", "3")):
        book.place(user_name=user_name, product="Desk lamp", quantity=quantity)
    assert [(order.number, order.quantity) for order in book.of("ann")] == [(1003, 3), (1001, 1)]


@pytest.mark.parametrize("quantity", ["1", "007", "999"])
def test_a_quantity_in_range_is_taken(quantity: str) -> None:
    assert OrderBook().place(user_name="ann", product="Desk lamp", quantity=quantity).quantity == int(
        quantity
    )


@pytest.mark.parametrize(
    "quantity", ["", "0", "-1", "1.5", "1000", "0000010000000", "\u0663", "9" * 5000, "1\n"]
)
def test_any_other_quantity_is_refused(quantity: str) -> None:
    book = OrderBook()
    with pytest.raises(OrderRefusedError, match="from 1 to 999"):
        book.place(user_name="ann", product="Desk lamp", quantity=quantity)
    assert book.of("ann") == []


def test_an_unknown_product_is_refused() -> None:
    with pytest.raises(OrderRefusedError, match="choose a product"):
        OrderBook().place(user_name="ann", product="Yacht", quantity="1")


def test_the_oldest_orders_fall_out_of_a_full_book() -> None:
    book = OrderBook()
    for _ in range(ORDERS_MAX + 1):
        book.place(user_name="ann", product="Desk lamp", quantity="1")
    assert [order.number for order in book.of("ann")][-1] == 1002
