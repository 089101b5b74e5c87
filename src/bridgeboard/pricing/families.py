"""What a model is called, whoever sells it: one name for all ids of a model (docs/costs.md 3).

Names are those of the price list. Ids of one model differ by what a vendor puts around its name:
a region, a maker, a path, a version of the vendor's own, a release date. What tells models apart
("mini", "codex", "thinking", "fast", "batch", a size) is part of the name. An id that the list does
not know stays as it is.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from bridgeboard.pricing import bundled_prices
from bridgeboard.pricing.vendors import UNKNOWN_MODELS

Words = tuple[str, ...]
"""The words and numbers of a name in alphabetical order: with the same ones, names are the same."""

_RULES: Final = 1
"""Raised with every change below that gives an id another name."""
_AROUND: Final = re.compile(
    r"^(?:(?:global|regional|us-gov|us|eu|apac|au|jp|ca|in)\.)?"
    r"(?:ai21|amazon|anthropic|cohere|google|luma|meta|minimax|mistral|moonshot|moonshotai|nvidia"
    r"|openai|qwen|stability|twelvelabs|writer|zai)\.(?=[a-z])"
    r"|^databricks-"
)
"""A region and a maker, as Bedrock writes them, or a vendor that puts its own name in front."""
_VERSIONED: Final = re.compile(
    r"(?P<name>(?:claude|deepseek|nova|llama|qwen3|palmyra|mistral-large|pixtral).*?)"
    r"-v\d+(?::\d+[km]?)*"
    r"|(?P<bare>gpt-oss.*?)-\d+:\d+"
)
"""Ids with a version of Bedrock's, of models of whose names it is no part."""
_ANNEX: Final = re.compile(r"^models/|\[1m\]$|:free$|(?<=flash|.lite|..pro)-00\d$")
_RELEASE: Final = re.compile(r"[-@](\d{8}|\d{4}-\d{2}-\d{2}|latest|default)$")
"""What tells a release of a model, unless the list gives it a name of its own."""
_RELEASE_WORD: Final = re.compile(r"\d{4}|beta|latest")
_REMARK: Final = re.compile(r"\s*\((free|global|regional|legacy)\)$", re.IGNORECASE)
_WORD: Final = re.compile(r"[a-z]+|\d+[a-z]*")
_MOST: Final = 200
"""Characters of the longest id that is looked at: longer ones are no model's."""
_LINES: Final = {
    "claude": "Claude",
    "gemini": "Gemini",
    "gpt": "GPT",
    "grok": "Grok",
    "o1": "o1",
    "o3": "o3",
    "o4": "o4",
}
"""Makers' lines of models whose names follow from their ids."""


@dataclass(frozen=True)
class _Entry:
    """What the list says of a model: how its id is spelled, its name ("" for none), other ids."""

    spellings: tuple[str, ...]
    name: str
    aliases: tuple[str, ...]


def version() -> str:
    """What names depend on: the price list, and the rules here."""
    return f"{bundled_prices.VERSION}, rules {_RULES}"


@lru_cache(maxsize=4096)
def family(model: str) -> str:
    """What the model of an id is called; the id itself where the price list does not know it."""
    titles, names = _titles()
    if model.strip().lower() in UNKNOWN_MODELS or model in names or len(model) > _MOST:
        return model
    known = (titles[words] for words in map(_words, _spellings(model)) if words in titles)
    return next(known, model)


def _spellings(model: str) -> tuple[str, ...]:
    """The name of a model without what vendors put around it, then without its release."""
    name = _ANNEX.sub("", _ANNEX.sub("", model.strip().lower()))
    name = _AROUND.sub("", name.rsplit("/", maxsplit=1)[-1])
    if match := _VERSIONED.fullmatch(name):
        name = match["name"] or match["bare"]
    names = [name]
    while (shorter := _RELEASE.sub("", names[-1])) != names[-1]:
        names.append(shorter)
    return tuple(names)


def _words(name: str) -> Words:
    # Fireworks writes "v3p1" for 3.1; the first Claude of a generation is "4" or "4-0".
    plain = re.sub(r"(?<=\d)p(?=\d)", ".", name.lower())
    if plain.startswith("claude"):
        plain = re.sub(r"(?<=\d)[-.]0(?!\d)", "", plain)
    return tuple(sorted(_WORD.findall(plain)))


@cache
def _titles() -> tuple[Mapping[Words, str], frozenset[str]]:
    """The name of each model of the price list by its words, and all names."""
    entries = list(_entries())
    named = defaultdict[Words, list[str]](list)
    for entry in entries:
        if (words := _words(entry.name)) in map(_words, entry.spellings):
            named[words].append(entry.name)
    titles = {words: _best(names) for words, names in named.items()}
    titles |= _other_titles(entries, titles)
    titles = _alias_titles(entries, titles) | titles
    return titles, frozenset(titles.values())


def _entries() -> Iterator[_Entry]:
    """All entries of the list, makers before those who sell what others make."""
    vendors = bundled_prices.vendors()
    for vendor in sorted(vendors, key=lambda each: (not bundled_prices.is_maker(each), each)):
        for entry in bundled_prices.entries(vendor):
            name = _REMARK.sub("", (entry.name or "").strip())
            yield _Entry(_spellings(entry.id), name, bundled_prices.literals(entry))


def _best(names: list[str]) -> str:
    """The first name that begins with a capital, if there is one."""
    return next((name for name in names if name[0].isupper()), names[0])


def _other_titles(entries: Iterable[_Entry], titles: Mapping[Words, str]) -> dict[Words, str]:
    """The names of models that the list calls otherwise than their ids, or not at all.

    A name that may be another model's is not one: the list calls "gpt-4-32k" "gpt 4", too.
    """
    lacking: dict[Words, tuple[str, str]] = {}
    for entry in entries:
        spellings = [*map(_words, entry.spellings)]
        place = 0 if entry.name else -1
        looked_up = spellings[:1] if entry.name else spellings
        if _words(entry.name) not in spellings and not any(each in titles for each in looked_up):
            lacking.setdefault(spellings[place], (entry.spellings[place], entry.name))
    often = Counter(_words(name) for _, name in lacking.values())
    others: dict[Words, str] = {}
    for words, (spelling, name) in lacking.items():
        as_named = _words(name)
        is_taken = often[as_named] > 1 or as_named in titles or as_named in lacking
        if is_taken or not {*as_named} & {*words}:
            others[words] = _pretty(spelling)
        else:
            others |= {words: name, as_named: name}
    return others


def _alias_titles(entries: list[_Entry], titles: Mapping[Words, str]) -> dict[Words, str]:
    """The names of ids that the list writes out beside those of its entries.

    One that differs from its entry's by more than a release is another model at the same price.
    """
    others: dict[Words, str] = {}
    for entry in entries:
        own = next(words for words in map(_words, entry.spellings) if words in titles)
        for alias in entry.aliases:
            spelling = _spellings(alias)[-1]
            words = _words(spelling)
            if words in titles:
                continue
            apart = (Counter(words) - Counter(own)) + (Counter(own) - Counter(words))
            is_release = all(map(_RELEASE_WORD.fullmatch, apart))
            others.setdefault(words, titles[own] if is_release else _pretty(spelling))
    return others


def _pretty(model: str) -> str:
    """A name as its maker writes it, where that follows from the id; else the id."""
    line, *words = model.split("-")
    if line not in _LINES or not all(words):
        return model
    joint = "-" if line == "gpt" and words and words[0][0].isdigit() else " "
    rest = " ".join(word[0].upper() + word[1:] for word in words)
    return f"{_LINES[line]}{joint}{rest}".strip()
