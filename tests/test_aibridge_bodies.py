"""Whether a body is JSON at all is judged quickly, and as Python's own parser judges it."""

import json
import time
from typing import Any

import httpx
import pytest
from aibridge_wire import interception_row
from hypothesis import given, settings
from hypothesis import strategies as st

from aibridge.answers import unfinished
from aibridge.bodies import MAX_FRUITLESS_BYTES, Body, Limits

WHOLE = json.dumps({"count": 1, "results": [interception_row(1, client="é😀\ud800")]})
LONGEST = 4300  # digits of an integer that Python reads

BODIES = [
    "", " ", "null", "NaN", "-Infinity", "[1,]", "[01]", "1.", ".5", "1e", "+1", "tru", "1 2",
    '"\\q"', '"\\u12g4"', '"\\ud800"', '"\x01"', '"\x7f"', '"\xff"', "{'a': 1}", '{"a" 1}',
    '{"a": 1, "a": 2}', "[" * 500 + "]" * 500, "[" * 5000 + "]" * 5000, "[" * 500, "\ufeff1",
    "1" * LONGEST, "1" * (LONGEST + 1), "-" + "1" * (LONGEST + 1), "[0, " + "1" * 9000 + "]",
    '"' + "1" * 9000 + '"', "0." + "1" * 9000, "1" * 9000 + "e5", " " * 4299 + "1" * (LONGEST + 1),
    " " * 4300 + "1" * LONGEST, '{"a": 1' + " " * LONGEST + "1}",
]  # fmt: skip  # a list of fragments, not a column of them


def is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def verdict(body: bytes) -> str | None:
    return unfinished(httpx.Response(200, content=body))


def check(body: bytes) -> None:
    assert verdict(body) == (None if is_json(body) else "not valid JSON")


@pytest.mark.parametrize("coding", ["utf-8", "utf-16", "latin-1"])
def test_an_odd_body_is_judged_as_ever(coding: str) -> None:
    for body in [*BODIES, WHOLE]:
        check(body.encode(coding, "surrogatepass" if "utf" in coding else "replace"))


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_body_that_was_tampered_with_is_judged_as_ever(data: Any) -> None:
    body = bytearray(WHOLE.encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(body)))
        until = at + data.draw(st.integers(0, 4))
        body[at:until] = data.draw(st.binary(max_size=3) | st.sampled_from([b'"', b"}", b"1,"]))
    if not bytes(body).lstrip().startswith(b"<"):
        check(bytes(body))


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 9000), st.integers(4290, 4310), st.sampled_from(["", "-", '"', "0."]))
def test_a_number_too_long_for_python_is_found_wherever_it_stands(
    before: int, digits: int, sign: str
) -> None:
    check(b"[" + b" " * before + sign.encode() + b"1" * digits + sign.strip("-0.").encode() + b"]")


def test_a_web_page_is_called_one() -> None:
    assert verdict(b"<html></html>") == "an HTML page instead of JSON"


def test_a_body_that_comes_in_one_large_piece_is_read_whole() -> None:
    content = b'{"count": 0, "results": [' + b" " * 2 * MAX_FRUITLESS_BYTES + b"]}"
    request = httpx.Request("GET", "http://bridge/")
    response = httpx.Response(200, stream=httpx.ByteStream(content), request=request)
    assert Body(response, Limits(), time.monotonic()).read().content == content
