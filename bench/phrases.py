"""What people of the made company write: a vocabulary, phrases of it, and prompts of phrases.

A prompt is three to eight phrases of some 80 characters. One word is nowhere but in five prompts,
at the same shares of all requests in a world of any size.
"""

from collections.abc import Iterable
from typing import Final

RARE: Final = "quetzalcoatl"
"""Planted in ``RARE_PROMPTS`` prompts and nowhere else."""
RARE_PROMPTS: Final = 5
COMMON: Final = "migration"
"""In the vocabulary, so that many prompts have it."""

_PHRASES: Final = 20_000
_LONGEST: Final = 8
_SHORTEST: Final = 3
_FIRST_SALT: Final = 52
_VOCABULARY: Final = """
    the a to in of and is it that this for with on we not but please when from into should can you
    why does how what there only after before again still also than then because while instead
    test tests function error file class value name line code type call return list data table
    query page user session request response token server client key index column row cache field
    fix add make write read check change remove rename split move explain show find use keep try
    fails passes breaks returns raises expects works runs times out hangs leaks crashes loops
    migration schema deadlock retry timeout latency throughput backoff jitter pagination cursor
    offset webhook payload parser decoder serializer validator fixture mock snapshot coverage
    regression refactor dependency lockfile container pipeline deployment rollback release branch
    commit rebase conflict review comment diff patch hotfix staging production cluster replica
    shard partition queue worker scheduler cron job batch stream buffer socket handshake
    certificate secret vault permission role policy audit tenant billing invoice currency rounding
    timezone locale encoding unicode emoji newline whitespace regex wildcard escape quote
    TypeError KeyError ValueError AssertionError NullPointerException StackOverflow segfault SIGKILL
    Postgres Kafka Redis Terraform Kubernetes Helm Grafana Prometheus Kotlin TypeScript Rust Go
    React component hook state props render layout button modal tooltip dropdown form checkbox
    für über naïve café señor größe привет 数据 エラー 🚀 ✅
    README.md pyproject.toml Dockerfile main.go handler.ts models.py conftest.py Cargo.toml
"""
_WORDS: Final = tuple(_VOCABULARY.split())


def statements() -> Iterable[str]:
    """What fills ``prompts`` from the table ``drawn``; ``{requests}`` is still to be put in."""
    return (_phrases(), _prompts(), "DROP TABLE phrases")


def _phrases() -> str:
    words = ", ".join(f"'{word}'" for word in _WORDS)
    word = f"words[1 + floor({len(_WORDS)} * pow(dice(n * 32 + j, 60), 1.6))::INTEGER]"
    return f"""
        CREATE TEMP TABLE phrases AS
        SELECT n AS phrase, array_to_string(list_transform(range(8 + lot(n, 61) % 9),
            lambda j: CASE WHEN dice(n * 32 + j, 62) < 0.03
                THEN 'src/' || {word} || '/' || left(md5((n * 32 + j)::VARCHAR), 8) || '.py'
                ELSE {word} END), ' ') || '. ' AS text
        FROM range({_PHRASES}) AS r(n), (SELECT [{words}] AS words)"""


def _prompts() -> str:
    """Every prompt looks its phrases up one after the other; those it has no more are NULL."""
    places = range(_LONGEST)
    chosen = ", ".join(
        f"CASE WHEN {place} < phrases THEN"
        f" floor({_PHRASES} * dice(k, {_FIRST_SALT + place}))::BIGINT END AS p{place}"
        for place in places
    )
    joins = " ".join(
        f"LEFT JOIN phrases t{place} ON t{place}.phrase = p{place}" for place in places
    )
    text = ", ".join(f"t{place}.text" for place in places)
    every = f"greatest({{requests}} // {RARE_PROMPTS}, 1)"
    is_rare = f"ordinal = 0 AND usage % {every} = {every} // 2"
    rare = f"CASE WHEN {is_rare} THEN 'What of {RARE.title()}? ' END"
    return f"""
        INSERT INTO prompts
        WITH each AS (SELECT usage, n, started_at, unnest(range(prompts)) AS ordinal FROM drawn),
        sized AS (
            SELECT *, n * 8 + ordinal AS k,
                {_SHORTEST} + lot(n * 8 + ordinal, 63) % {_LONGEST - _SHORTEST + 1} AS phrases
            FROM each),
        chosen AS (SELECT usage, started_at, ordinal, {chosen} FROM sized)
        SELECT usage, started_at, ordinal, started_at, concat({rare}, {text})
        FROM chosen {joins} ORDER BY usage, ordinal"""
