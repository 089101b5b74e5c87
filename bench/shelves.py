"""Pages of interceptions as a server of v2.34 sends them, made once and kept compressed.

A page has 1,000 interceptions with 1,503 token usages, 3,069 tool usages (inputs of 587
characters) and 1,977 prompts (695 characters): some 5.9 MB of JSON. Everything follows from the
page's number, so every page differs from all others and a number always makes the same page.
"""

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final

ROWS: Final = 1000
TOKENS, TOOLS, PROMPTS = 1503, 3069, 1977
INPUT_CHARACTERS, PROMPT_CHARACTERS = 587, 695
LEVEL: Final = 5
CORPUS_WORDS: Final = 150_000
VOCABULARY: Final = 5_000

_GZIP_HEAD: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"
_OPENING: Final = b'{"results":['
_MODELS: Final = (
    ("anthropic", "anthropic", "claude-sonnet-4-5-20250929", "Claude Code"),
    ("anthropic", "anthropic", "claude-haiku-4-5-20251001", "Claude Code"),
    ("anthropic", "bedrock-eu", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "Zed"),
    ("openai", "openai", "gpt-5.4", "Codex"),
    ("openai", "azure-openai", "gpt-5", "Cursor"),
    ("copilot", "copilot-business", "gpt-4.1", "GitHub Copilot (VS Code)"),
)
_AGENT: Final = "claude-cli/2.0.14 (external, cli) node/22.18.0 linux x86_64"
_NAMES: Final = ("Read", "Edit", "Bash", "Grep", "Glob", "Write", "shell", "apply_patch")


@dataclass(frozen=True)
class Page:
    """Where a page lies: its rows' times (newest first), its first row, its last's id, its body."""

    newest: datetime
    oldest: datetime
    first: bytes
    last: str
    path: Path
    checksum: int
    size: int

    def gzipped(self, count: int) -> bytes:
        """The whole answer of HTTP; ``count`` is written behind the rows that are kept."""
        closing = b'],"count":%d}\n' % count
        squeezed = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        ending = squeezed.compress(closing) + squeezed.flush(zlib.Z_FINISH)
        checksum = zlib.crc32(closing, self.checksum).to_bytes(4, "little")
        size = (self.size + len(closing)).to_bytes(4, "little")
        return _GZIP_HEAD + self.path.read_bytes() + ending + checksum + size


def shelve(number: int, daily: int, today: datetime, folder: Path) -> Page:
    """Make one page, and keep its rows compressed in a file.

    Pages lie newest first before ``today`` (a midnight), each within one day, ``daily`` a day.
    """
    newest, step = _place(number, daily, today)
    rows = list(interceptions(number, newest, step))
    written = list(map(_json, rows))
    opened = _OPENING + b",".join(written)
    squeezed = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    path = folder / f"{number}.deflated"
    path.write_bytes(squeezed.compress(opened) + squeezed.flush(zlib.Z_FULL_FLUSH))
    oldest = newest - step * (ROWS - 1)
    last = rows[-1]["id"]
    return Page(newest, oldest, written[0], last, path, zlib.crc32(opened), len(opened))


def _place(number: int, daily: int, today: datetime) -> tuple[datetime, timedelta]:
    part = timedelta(days=1) / daily
    end = today - timedelta(days=number // daily) - part * (number % daily)
    step = part / (ROWS + 1)
    return end - step, step


def interceptions(number: int, newest: datetime, step: timedelta) -> Iterator[dict[str, Any]]:
    """The rows of one page as the API tells them, each by ``step`` older than the one before."""
    dice = Random(number)  # noqa: S311  # made-up rows
    shares = [_shared(dice, total) for total in (TOKENS, TOOLS, PROMPTS)]
    for place, (tokens, tools, prompts) in enumerate(zip(*shares, strict=True)):
        yield _interception(dice, newest - step * place, tokens, tools, prompts)


def _shared(dice: Random, total: int) -> list[int]:
    shares = [0] * ROWS
    for _ in range(total):
        shares[dice.randrange(ROWS)] += 1
    return shares


def _interception(
    dice: Random, started_at: datetime, tokens: int, tools: int, prompts: int
) -> dict[str, Any]:
    provider, provider_name, model, client = dice.choice(_MODELS)
    person = int(500 * dice.random() ** 2)
    row_id, response = _uuid(dice), f"msg_{dice.getrandbits(96):024x}"
    stamp, later = _stamp(started_at), _stamp(started_at + timedelta(seconds=dice.uniform(1, 40)))
    named = {"interception_id": row_id, "provider_response_id": response, "created_at": later}
    return {
        "id": row_id,
        "api_key_id": f"{person:010d}",
        "initiator": {
            "id": f"00000000-0000-4000-8000-{person:012d}",
            "username": f"person-{person}",
            "name": f"Person {person}",
        },
        "provider": provider,
        "provider_name": provider_name,
        "model": model,
        "client": client,
        "metadata": {"Username": f"person-{person}", "request_user_agent": _AGENT},
        "started_at": stamp,
        "ended_at": later,
        "token_usages": [_token_usage(dice, named) for _ in range(tokens)],
        "user_prompts": [_prompt(dice, named) for _ in range(prompts)],
        "tool_usages": [_tool_usage(dice, named) for _ in range(tools)],
    }


def _token_usage(dice: Random, named: dict[str, str]) -> dict[str, Any]:
    writes = dice.randrange(5_000)
    return named | {
        "id": _uuid(dice),
        "input_tokens": dice.randrange(3_000),
        "output_tokens": dice.randrange(2_000),
        "cache_read_input_tokens": dice.randrange(120_000),
        "cache_write_input_tokens": writes,
        "metadata": {"cache_ephemeral_5m_input": writes, "cache_ephemeral_1h_input": 0},
    }


def _prompt(dice: Random, named: dict[str, str]) -> dict[str, Any]:
    return named | {"id": _uuid(dice), "prompt": _prose(dice, PROMPT_CHARACTERS), "metadata": {}}


def _tool_usage(dice: Random, named: dict[str, str]) -> dict[str, Any]:
    text = {"file_path": "/src/main.go", "content": _prose(dice, INPUT_CHARACTERS - 42)}
    return named | {
        "id": _uuid(dice),
        "server_url": "",
        "tool": dice.choice(_NAMES),
        "input": json.dumps(text),
        "injected": False,
        "invocation_error": "",
        "metadata": {},
    }


def _prose(dice: Random, characters: int) -> str:
    text = _corpus()
    size = int(dice.uniform(0.2, 1.8) * characters)
    start = dice.randrange(len(text) - size)
    return text[start : start + size]


@cache
def _corpus() -> str:
    """A megabyte of invented words, frequent ones first, so that it compresses as prose does."""
    dice = Random(0)  # noqa: S311  # made-up words
    words = [_word(dice) for _ in range(VOCABULARY)]
    chosen = (int(VOCABULARY * dice.random() ** 5) for _ in range(CORPUS_WORDS))
    return " ".join(words[place] for place in chosen)


def _word(dice: Random) -> str:
    letters: Sequence[str] = "eeeetttaaooiinnsshhrrddlluuccmmffwwyyppvbgk"
    return "".join(dice.choice(letters) for _ in range(dice.randint(2, 10)))


def _uuid(dice: Random) -> str:
    digits = f"{dice.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"


def _stamp(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _json(row: dict[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()
