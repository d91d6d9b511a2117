from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy
import pytest

from udfs.children.limits import Limits
from udfs.children.pool import Answer, Parser, Pool, of_this_process

PARSERS = "tests.udfs.children.parsers"
PARSE = Parser(f"{PARSERS}:parse", "page")
LIMITS = Limits(most_bytes=1_000_000, seconds=1.0, memory_mb=256)
SLOW = Limits(most_bytes=1_000_000, seconds=30.0, memory_mb=256)
REPOSITORY = pathlib.Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def tests_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children import what their parent can."""
    monkeypatch.syspath_prepend(str(REPOSITORY))


@pytest.fixture
def pool() -> Iterator[Pool]:
    """One child with small limits."""
    pool = Pool(PARSE, LIMITS)
    yield pool
    pool.close()


def said(title: str) -> Answer:
    """What the parser says of a page that it likes."""
    return Answer({"title": title, "language": None}, None)


def refused(reason: str) -> Answer:
    """A refusal."""
    return Answer(None, reason)


def test_a_page_that_hangs_kills_or_fills_its_parser_costs_itself_alone(pool: Pool) -> None:
    urls = ["a", "hang", "b", "hog", "c", "die", "d", "raise", "e", "refuse", "f", "hang"]
    pages = [(url, b"x") for url in urls] + [("too large", b"x" * 1_000_001)]
    started = time.monotonic()
    answers = dict(zip([*urls[:-1], "hang again", "too large"], pool.read(pages), strict=True))
    seconds = time.monotonic() - started
    assert answers == {
        **{url: said(url) for url in "abcdef"},
        "hang": refused("the page took longer than 1 seconds"),
        "hang again": refused("the page took longer than 1 seconds"),
        "hog": refused("the page needs more than 256 MB of memory"),
        "die": refused("the parser died on the page"),
        "raise": refused("the parser failed with KeyError"),
        "refuse": refused("the page breaks a rule"),
        "too large": refused("the page is larger than 1000000 bytes"),
    }
    assert seconds < 2 * (1.0 + 5.0) + 10, "two hangs cost two limits, and a few starts of children"


def test_pages_of_several_children_come_back_in_their_order() -> None:
    pool = Pool(PARSE, LIMITS, size=3)
    urls = [f"page {n}" if n % 7 else "hang" for n in range(22)]
    started = time.monotonic()
    answers = pool.read((url, b"x") for url in urls)
    assert [a.found["title"] if a.found else "hang" for a in answers] == urls
    assert time.monotonic() - started < 4 + 10, "four hangs wait side by side"
    pool.close()


def test_one_process_serves_many_pages_and_is_gone_after_the_pool_is_closed() -> None:
    pool = Pool(Parser(f"{PARSERS}:process", "page"), SLOW)
    (first,), *rest = (pool.read([("", b"x")]) for _ in range(3))
    assert first.found is not None
    assert all(answer == [first] for answer in rest)
    pool.close()
    assert not pathlib.Path(f"/proc/{first.found['title']}").exists()


def test_no_pages_need_no_process(pool: Pool) -> None:
    assert pool.read([]) == []


def test_asking_costs_the_process_that_asks_less_than_two_milliseconds_a_page(pool: Pool) -> None:
    pool.read([("warm up", b"x")])
    started = time.process_time()
    answers = pool.read([("page", b"x" * 300_000)] * 1_000)
    assert answers == [said("page")] * 1_000
    assert time.process_time() - started < 2.0


def test_a_parser_that_cannot_start_is_an_error_and_no_refusal() -> None:
    pool = Pool(Parser("no.such.module:parse", "page"), LIMITS)
    with pytest.raises(RuntimeError, match="a parser of pages did not start"):
        pool.read([("a", b"x")])
    pool.close()


def test_a_hanging_child_ends_by_itself_where_its_parent_was_killed() -> None:
    script = f"""
import time
from udfs.children.limits import Limits
from udfs.children.pool import Parser, Pool
pool = Pool({PARSE!r}, {LIMITS!r})
pool.read([("a", b"x")])
print(pool._children[0]._process.pid, flush=True)
pool._children[0]._seconds = 3600
pool.read([("hang", b"x")])
"""
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    time.sleep(0.5)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 10
    while running(child) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not running(child)


def running(process: int) -> bool:
    """True for a process that is there and not only waiting for its end to be noticed."""
    try:
        return pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_no_word_of_a_page_is_in_a_reason(pool: Pool) -> None:
    assert "words of the page" not in json.dumps([answer.refused for answer in pool.read([("raise", b"x")])])


def test_raw_bytes_come_back_as_they_were_sent_in_memory_that_is_not_copied_again() -> None:
    pool = Pool(Parser(f"{PARSERS}:echo", "image", raw_bytes=300_000), SLOW)
    body = bytes(range(256)) * 1_000
    (answer, empty) = pool.read([("a", memoryview(body)), ("b", b"")])
    assert (answer.found, bytes(answer.raw)) == ({"title": "a", "language": None}, body)
    assert empty.raw == b""
    assert numpy.frombuffer(answer.raw, numpy.uint8).flags.writeable, "a bytearray: no copy is needed to change pixels"
    pool.close()


def test_a_child_that_sends_more_raw_bytes_than_allowed_is_not_listened_to() -> None:
    pool = Pool(Parser(f"{PARSERS}:echo", "image", raw_bytes=1_000), LIMITS)
    large, small = pool.read([("a", b"x" * 1_001), ("b", b"x" * 1_000)])
    assert large == refused("the parser died on the image")
    assert small.raw == b"x" * 1_000
    pool.close()


def test_a_process_keeps_one_pool_for_the_same_limits_and_ends_it_for_others() -> None:
    process = Parser(f"{PARSERS}:process", "page")
    first = of_this_process(process, SLOW, 1)
    (answer,) = first.read([("", b"x")])
    assert answer.found is not None
    assert of_this_process(process, SLOW, 1) is first
    assert running(int(str(answer.found["title"])))
    of_this_process(process, LIMITS, 1)
    assert not running(int(str(answer.found["title"])))
