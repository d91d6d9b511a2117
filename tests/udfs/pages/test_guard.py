from __future__ import annotations

import gzip
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.pages.guard import Limits, RefusedPage, check, unpacked

LIMITS = Limits()


def refusal(text: str, limits: Limits = LIMITS) -> str | None:
    """Why the text is refused; None where it is not."""
    try:
        check(text, limits)
    except RefusedPage as reason:
        return str(reason)
    return None


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("<a " + "b " * 200_000 + ">", "a tag has more than 200 attributes"),
        ("<a " + "b='1'" * 201 + ">", "a tag has more than 200 attributes"),
        ("<a " + "b=1/" * 201 + ">", None),  # one attribute, its value is not quoted
        ("<a " + "b " * 200 + ">", None),
        ("<div>" * 50_000, "elements are nested more than 256 deep"),
        ("<b><i>" * 129, "elements are nested more than 256 deep"),
        ("<div>" * 256, None),
        ("<div></div>" * 50_000, None),
        ("<p>one<p>two" * 5_000, None),
        ("<ul>" + "<li>x" * 5_000, None),
        ("<table>" + "<tr><td>x</td></tr>" * 5_000, None),
        ("<br><img><input>" * 5_000, None),
        ("<!-- " + "<div>" * 5_000 + " -->", None),
        ("<script>" + "'<div>'" * 5_000 + "</script>", None),
        ("<script>" + "<div>" * 5_000 + "</SCRIPT >" + "<div>" * 257, "elements are nested more than 256 deep"),
        ("<p>don't <a title='" + "word " * 500 + "'>", None),
        ("</b>" * 5_000 + "<b>", None),
    ],
)
def test_a_page_is_refused_for_its_attributes_and_its_depth_alone(page: str, reason: str | None) -> None:
    assert refusal(page) == reason


def test_the_scan_of_hostile_markup_takes_linear_time() -> None:
    # Where one were rescanned from every start, a million characters would take minutes.
    for piece in ("<", "<a", "<a ", "<a =", '<a b="', "<a b='\"", "<!--", "</", "<script>", "<script", "<title>", "<p \x00"):
        started = time.process_time()
        refusal(piece * (1_000_000 // len(piece)), Limits(depth=2_000_000, attributes=2_000_000))
        assert time.process_time() - started < 5, piece


@given(st.lists(st.sampled_from(["<", ">", "a", "div", " ", "/", "=", '"', "'", "!--", "-->", "script", "x"]), max_size=60))
def test_any_markup_is_judged_without_an_error(pieces: list[str]) -> None:
    assert refusal("".join(pieces), Limits(depth=3, attributes=3)) in (
        None,
        "a tag has more than 3 attributes",
        "elements are nested more than 3 deep",
    )


@given(st.lists(st.booleans(), max_size=80))
def test_the_depth_of_plain_nesting_is_that_of_a_counter(opens: list[bool]) -> None:
    depth = deepest = 0
    for is_open in opens:
        depth = depth + 1 if is_open else max(0, depth - 1)
        deepest = max(deepest, depth)
    page = "".join("<div>" if is_open else "</div>" for is_open in opens)
    assert (refusal(page, Limits(depth=5)) is not None) == (deepest > 5)


def test_a_packed_page_is_unpacked_up_to_the_limit() -> None:
    small = Limits(most_bytes=1_000)
    assert unpacked(gzip.compress(b"<p>hello"), small) == b"<p>hello"
    assert [unpacked(zlib.compress(b"<p>hello", level), small) for level in (1, 6, 9)] == [b"<p>hello"] * 3
    assert unpacked(gzip.compress(b"<p>hello" * 9)[:-12], small).startswith(b"<p>hello"), "what came before the connection broke"
    assert unpacked(b"x^2", small) == b"x^2"
    assert unpacked(b"x" * 1_000, small) == b"x" * 1_000
    for body, reason in (
        (b"x" * 1_001, "the page is larger than 1000 bytes"),
        (gzip.compress(b"x" * 50_000_000), "the page is larger than 1000 bytes"),
        (zlib.compress(b"x" * 50_000_000), "the page is larger than 1000 bytes"),
        (b"\x1f\x8bnonsense", "the page is not valid gzip"),
        (b"\x78\x9cnonsense", "the page is not valid zlib"),
    ):
        with pytest.raises(RefusedPage, match=reason):
            unpacked(body, small)
