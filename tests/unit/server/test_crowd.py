"""Which connections have to go when there are too many."""

import logging
import resource

import pytest

from api.server.crowd import OTHER_FILES, SHARE, Crowd, room_for


class FakeGuest:
    def __init__(self, address: str = "a", heard_at: float = 0.0, *, is_idle: bool = True) -> None:
        self.address = address
        self.heard_at = heard_at
        self.is_idle = is_idle
        self.is_gone = False

    def dismiss(self) -> None:
        self.is_gone = True


def crowd_of(most: int, *guests: FakeGuest, trusted: str = "") -> Crowd:
    crowd = Crowd(most, lambda address: address == trusted)
    for guest in guests:
        assert crowd.enter(guest)
    return crowd


def test_connections_that_there_is_room_for_stay() -> None:
    guests = [FakeGuest() for _ in range(3)]

    crowd_of(3, *guests)

    assert not any(guest.is_gone for guest in guests)


def test_the_connection_goes_that_was_silent_for_longest() -> None:
    guests = [FakeGuest(heard_at=at) for at in (2.0, 1.0, 3.0)]
    crowd = crowd_of(3, *guests)

    assert crowd.enter(FakeGuest())

    assert [guest.is_gone for guest in guests] == [False, True, False]
    assert len(crowd) == 3


def test_whoever_has_the_most_idle_connections_loses_them_first() -> None:
    quiet, flood = FakeGuest("quiet", heard_at=0.0), [FakeGuest("flood", heard_at=9.0) for _ in range(2)]
    crowd = crowd_of(3, quiet, *flood)

    assert crowd.enter(FakeGuest("new"))

    assert not quiet.is_gone
    assert sum(guest.is_gone for guest in flood) == 1


def test_a_request_that_is_under_way_is_not_cut_off() -> None:
    busy = [FakeGuest(is_idle=False) for _ in range(3)]
    crowd = crowd_of(3, *busy)

    assert not crowd.enter(FakeGuest())
    assert not any(guest.is_gone for guest in busy)
    assert len(crowd) == 3


def test_the_connections_of_trusted_proxies_stay() -> None:
    proxys, strangers = FakeGuest("proxy"), FakeGuest("stranger", heard_at=9.0)
    crowd = crowd_of(2, proxys, strangers, trusted="proxy")

    assert crowd.enter(FakeGuest("proxy"))
    assert (proxys.is_gone, strangers.is_gone) == (False, True)
    assert not crowd.enter(FakeGuest("stranger"))


def test_one_look_makes_room_for_several() -> None:
    most = 3 * SHARE
    guests = [FakeGuest() for _ in range(most)]
    crowd = crowd_of(most, *guests)

    crowd.enter(FakeGuest())

    assert sum(guest.is_gone for guest in guests) == 3
    assert len(crowd) == most - 2


def test_the_log_says_once_that_there_are_too_many_and_when_there_is_room(caplog: pytest.LogCaptureFixture) -> None:
    guests = [FakeGuest("192.0.2.9", is_idle=False)] + [FakeGuest("192.0.2.9") for _ in range(9)]
    crowd = crowd_of(10, *guests)

    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            crowd.enter(FakeGuest("192.0.2.9"))
        for guest in guests:
            crowd.leave(guest)

    began, over = [record.getMessage() for record in caplog.records]
    assert began.startswith("There are too many connections: 10 are open; idle ones are closed, beginning with the 9")
    assert over.startswith("There is room for connections again")


def test_as_many_files_may_be_open_as_connections_take() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
        assert room_for(600) == 600
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 600 + OTHER_FILES
        assert room_for(10**9) == hard - OTHER_FILES
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
