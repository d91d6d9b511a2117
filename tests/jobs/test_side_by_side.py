"""Jobs side by side: order, what runs alone, what an error leaves."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.errors import PinlakeError
from jobs.side_by_side import side_by_side

ABOVE = {"a": set(), "b": set(), "c": {"a"}, "model": {"b"}, "d": {"c", "model"}, "e": set()}


class Desk:
    """Notes when each name began and ended, by which worker, and who else was at work then."""

    def __init__(self, pause=0.0, broken=()):
        self.log, self.beside, self.lock, self.pause, self.broken = [], {}, threading.Lock(), pause, broken

    def work(self, worker, name):
        with self.lock:
            now = {n for kind, n, _ in self.log if kind == "began"} - {n for kind, n, _ in self.log if kind == "ended"}
            self.log.append(("began", name, worker))
            self.beside[name] = now
        time.sleep(self.pause)
        with self.lock:
            self.log.append(("ended", name, worker))
        if name in self.broken:
            raise PinlakeError(f"{name} is refused")

    def place(self, kind, name):
        return [one[:2] for one in self.log].index((kind, name))

    def began(self):
        return [name for kind, name, _ in self.log if kind == "began"]


@given(st.data())
def test_each_name_is_worked_once_after_all_above_it_and_a_model_alone(data):
    names = [f"j{n}" for n in range(data.draw(st.integers(1, 8)))]
    above = {name: set(data.draw(st.lists(st.sampled_from(names[:n]), max_size=3))) if n else set() for n, name in enumerate(names)}
    alone = set(data.draw(st.lists(st.sampled_from(names), max_size=2)))
    most = data.draw(st.integers(1, 4))
    desk = Desk()
    side_by_side(names, above, alone, list(range(most)), desk.work)
    assert sorted(desk.began()) == sorted(names)
    for name in names:
        assert all(desk.place("ended", up) < desk.place("began", name) for up in above[name])
        assert len(desk.beside[name]) < most
        assert not desk.beside[name] & alone
        if name in alone:
            assert not desk.beside[name]


def test_names_that_do_not_read_each_other_are_worked_at_the_same_time_by_different_workers():
    meet = threading.Barrier(2, timeout=20)
    seen = []

    def work(worker, name):
        seen.append(worker)
        meet.wait()

    side_by_side(["a", "b"], ABOVE, set(), ["first", "second"], work)
    assert sorted(seen) == ["first", "second"]


def test_one_worker_works_in_the_order_given():
    desk = Desk()
    side_by_side(list(ABOVE), ABOVE, {"model"}, ["only"], desk.work)
    assert desk.began() == list(ABOVE)


@pytest.mark.parametrize("most", [1, 2])
def test_after_an_error_nothing_begins_what_runs_ends_and_the_first_error_is_raised(most):
    desk, said = Desk(pause=0.05, broken=("a",)), []
    with pytest.raises(PinlakeError, match="a is refused"):
        side_by_side(list(ABOVE), ABOVE, {"model"}, list(range(most)), desk.work, said.append)
    assert desk.began() == ["a", "b"][:most]
    assert {name for kind, name, _ in desk.log if kind == "ended"} == set(desk.began())


def test_a_second_error_is_told():
    said = []

    def work(worker, name):
        time.sleep({"a": 0.05, "b": 0.3}[name])
        raise PinlakeError(f"{name} is refused")

    with pytest.raises(PinlakeError, match="a is refused"):
        side_by_side(["a", "b"], ABOVE, set(), [0, 1], work, said.append)
    assert said == ["a: a is refused", "b: b is refused"]
