"""Under which names a model's price may be listed (docs/costs.md 3)."""

import re
from collections.abc import Iterator

_RELEASE = re.compile(r"(-\d{8}|-\d{4}-\d{2}-\d{2}|@\d{8}|@\d{4}-\d{2}-\d{2}|@default|@latest)$")
_ANNEX = re.compile(r"\[1m\]$")
_BEDROCK = re.compile(r"(?P<name>.+)-v(?P<version>\d+)(:\d+)*(:\d+[km])?")
"""An id with a version of Bedrock's: ``-v1``, ``-v1:0``, ``-v1:0:200k``, ``-v1:1m``."""


def spellings(model: str, vendor: str = "") -> Iterator[str]:
    """The names to look a model up by, exact first, then without its release suffixes.

    ``vendor`` is whose list is asked: some vendors put a maker or a version of their own
    around a name.
    """
    name = _ANNEX.sub("", model.strip().lower()).removeprefix("models/")
    if name.startswith("arn:"):
        name = name.rsplit("/", maxsplit=1)[-1]
    yield name
    if vendor == "aws" and (bare := _unversioned(name)) != name:
        yield bare
        name = bare
    while (shorter := _RELEASE.sub("", name)) != name:
        yield shorter
        name = shorter


def _unversioned(name: str) -> str:
    # Only of Claude is the version no part of what is sold: Titan 2 is another model than Titan 1.
    match = _BEDROCK.fullmatch(name)
    plain = match and (match["version"] == "1" or "anthropic." in name)
    return match["name"] if match and plain else name


def released(rest: str) -> bool:
    """Whether what follows a listed name says only which release it is, not another model."""
    while (shorter := _RELEASE.sub("", rest)) != rest:
        rest = shorter
    return rest in {"", "-latest"}
