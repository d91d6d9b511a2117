from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from udfs.pages.guard import Limits
from udfs.pages.pool import Answer, PagePool

PARSE = "tests.udfs.pages.parsers:parse"
PROCESS = "tests.udfs.pages.parsers:process"
REPOSITORY = pathlib.Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def tests_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children import what their parent can."""
    monkeypatch.syspath_prepend(str(REPOSITORY))


@pytest.fixture
def pool() -> Iterator[PagePool]:
    """One child with small limits."""
    pool = PagePool(Limits(seconds=1.0, memory_mb=256, page_bytes=1_000_000), PARSE)
    yield pool
    pool.close()


def said(title: str) -> Answer:
    """What the parser says of a page that it likes."""
    return Answer({"title": title, "language": None}, None)


def refused(reason: str) -> Answer:
    """A refusal."""
    return Answer(None, reason)


def test_a_page_that_hangs_kills_or_fills_its_parser_costs_itself_alone(pool: PagePool) -> None:
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
    pool = PagePool(Limits(seconds=1.0), PARSE, size=3)
    urls = [f"page {n}" if n % 7 else "hang" for n in range(22)]
    started = time.monotonic()
    answers = pool.read((url, b"x") for url in urls)
    assert [a.page["title"] if a.page else "hang" for a in answers] == urls
    assert time.monotonic() - started < 4 + 10, "four hangs wait side by side"
    pool.close()


def test_one_process_serves_many_pages_and_is_gone_after_the_pool_is_closed() -> None:
    pool = PagePool(Limits(), PROCESS)
    (first,), *rest = (pool.read([("", b"x")]) for _ in range(3))
    assert first.page is not None
    assert all(answer == [first] for answer in rest)
    pool.close()
    assert not pathlib.Path(f"/proc/{first.page['title']}").exists()


def test_no_pages_need_no_process(pool: PagePool) -> None:
    assert pool.read([]) == []


def test_asking_costs_less_than_two_milliseconds_a_page(pool: PagePool) -> None:
    pool.read([("warm up", b"x")])
    started = time.monotonic()
    answers = pool.read([("page", b"x" * 300_000)] * 1_000)
    assert answers == [said("page")] * 1_000
    assert time.monotonic() - started < 2.0


def test_a_parser_that_cannot_start_is_an_error_and_no_refusal() -> None:
    pool = PagePool(Limits(), "no.such.module:parse")
    with pytest.raises(RuntimeError, match="did not start"):
        pool.read([("a", b"x")])
    pool.close()


def test_bombs_leave_the_memory_of_the_parent_as_it_was() -> None:
    script = """
import resource, sys
from udfs.pages.guard import Limits
from udfs.pages.pool import PagePool
pool = PagePool(Limits(seconds=5.0))
pool.read([("a", b"<title>warm up")])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
bombs = [b"<a " + b"b " * 200_000 + b">", b"<div>" * 50_000, b"x" * (2 << 20)] * 5
reasons = [answer.refused for answer in pool.read(("u", bomb) for bomb in bombs)]
pool.close()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, sorted(set(reasons)))
"""
    out = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    grown, _, reasons = out.partition(" ")
    assert int(grown) < 64 * 1024
    assert reasons.count("'") == 6, f"three kinds of bombs, three reasons: {reasons}"


def test_a_hanging_child_ends_by_itself_where_its_parent_was_killed() -> None:
    script = f"""
import time
from udfs.pages.guard import Limits
from udfs.pages.pool import PagePool
pool = PagePool(Limits(seconds=1.0), {PARSE!r})
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


def test_no_word_of_a_page_is_in_a_reason(pool: PagePool) -> None:
    assert "words of the page" not in json.dumps([answer.refused for answer in pool.read([("raise", b"x")])])
