"""What the network does to requests."""

from __future__ import annotations

import pytest

from mfa_simulator.errors import RequestTimeoutError
from mfa_simulator.language.quantities import SECOND
from mfa_simulator.language.scenario import NetworkSpec
from mfa_simulator.world.entropy import SeededEntropy
from mfa_simulator.world.http import Request, Response
from mfa_simulator.world.network import Network

REQUEST = Request(method="GET", url="http://127.0.0.1:8000/page")


@pytest.fixture
def arrivals():
    """When the server got a request, in seconds since the start."""
    return []


@pytest.fixture
def network(true_time, arrivals, recorder, record):
    start = true_time.now()

    def deliver(request):
        arrivals.append((true_time.now() - start) / SECOND)
        return Response(status=200, body=f"answer {len(arrivals)}".encode())

    return Network(true_time, deliver=deliver, entropy=SeededEntropy(0, "network"), recorder=recorder)


def test_a_worker_that_ends_over_a_request_is_no_reply_at_once(true_time, recorder, record):
    network = Network(
        true_time, deliver=lambda _: None, entropy=SeededEntropy(0, "network"), recorder=recorder
    )
    start = true_time.now()
    with pytest.raises(RequestTimeoutError):
        network.send(REQUEST, NetworkSpec())
    assert true_time.now() == start
    assert [(exchange.served, exchange.seen) for exchange in record.exchanges] == [(None, None)]


def test_a_request_takes_no_time_unless_something_is_set(network, true_time, arrivals):
    start = true_time.now()
    assert network.send(REQUEST, NetworkSpec()).status == 200
    assert (true_time.now() - start, arrivals) == (0, [0])


def test_latency_delays_the_arrival(network, arrivals):
    network.send(REQUEST, NetworkSpec(latency=3 * SECOND))
    assert arrivals == [3]


def test_jitter_adds_up_to_so_much(network, true_time):
    start = true_time.now()
    for _ in range(50):
        network.send(REQUEST, NetworkSpec(latency=SECOND, jitter=SECOND))
    assert 50 * SECOND < true_time.now() - start < 100 * SECOND


def test_a_lost_request_never_reaches_the_server(network, true_time, arrivals, record):
    start = true_time.now()
    with pytest.raises(RequestTimeoutError):
        network.send(REQUEST, NetworkSpec(lose="request"))
    assert true_time.now() - start == 30 * SECOND
    assert arrivals == []
    assert record.exchanges[0].served is record.exchanges[0].seen is None


def test_after_a_lost_reply_the_server_has_acted(network, true_time, arrivals, record):
    start = true_time.now()
    with pytest.raises(RequestTimeoutError):
        network.send(REQUEST, NetworkSpec(lose="response", latency=SECOND, client_timeout=10 * SECOND))
    assert true_time.now() - start == 10 * SECOND
    assert arrivals == [1]
    assert record.exchanges[0].served.body == b"answer 1"
    assert record.exchanges[0].seen is None


def test_a_request_that_is_later_than_the_browsers_patience_still_arrives(network, true_time, arrivals):
    with pytest.raises(RequestTimeoutError):
        network.send(REQUEST, NetworkSpec(latency=40 * SECOND))
    assert arrivals == []
    true_time.wait(15 * SECOND)
    assert arrivals == [40]


def test_a_doubled_request_arrives_twice_and_the_browser_sees_the_second_answer(network, arrivals):
    assert network.send(REQUEST, NetworkSpec(duplicate=True)).body == b"answer 2"
    assert len(arrivals) == 2


def test_a_reply_that_is_cut_loses_the_rest_of_its_body(network):
    response = network.send(REQUEST, NetworkSpec(cut=3))
    assert (response.body, response.cut) == (b"ans", True)
    assert not network.send(REQUEST, NetworkSpec(cut=1000)).cut
