"""The store as a whole, from an operator's own tools."""

from __future__ import annotations

import pytest

from wsgi_mfa import MemoryStore, Policy
from wsgi_mfa.errors import AccountError, StoreUnavailableError
from wsgi_mfa.operations import StoreKeeper
from wsgi_mfa.service import MfaService
from wsgi_mfa.stores import StoreIdentity, StoreState


@pytest.fixture
def service(keys, clock, entropy):
    store = MemoryStore(identity=StoreIdentity(store_id="0" * 32, made_at=clock.now()))
    return MfaService(store=store, keys=keys, policy=Policy(), clock=clock, entropy=entropy)


@pytest.mark.requirement("D28")
def test_a_closed_store_serves_nobody_until_its_keeper_opens_it(service):
    keeper = StoreKeeper(service)
    keeper.close()
    with pytest.raises(StoreUnavailableError, match="closed"):
        service.load("user1")
    keeper.open()
    assert service.load("user1") is None


@pytest.mark.requirement("D28")
def test_a_store_that_is_unfenced_opens_only_by_a_fence(service):
    keeper = StoreKeeper(service)
    operator = service.store.for_operator()
    status = operator.status()
    operator.set_status(type(status)(state=StoreState.UNFENCED, changed_at=status.changed_at + 1))
    with pytest.raises(AccountError, match="fence"):
        keeper.open()
    done = keeper.fence()
    assert (done.accounts_count, done.state) == (0, StoreState.CLOSED)
    keeper.open()
    assert service.load("user1") is None
