"""Pseudonyms: stable, readable, of one person each, and nobody's without the key."""

import re
from hashlib import sha256
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgeboard.access import aliases, pseudonyms
from bridgeboard.access.pseudonyms import ADJECTIVES, ANIMALS

KEY = "a key of sixteen"
SHAPE = re.compile(r"[A-Z][a-z]+ [A-Z][a-z]+ \d{4,}")
ids = st.frozensets(st.text(max_size=20), max_size=30)


def test_there_are_words_enough_and_each_is_one() -> None:
    for words in (ADJECTIVES, ANIMALS):
        assert len(words) == len(set(words)) >= 128
        assert all(re.fullmatch(r"[A-Z][a-z]{2,11}", word) for word in words)
    assert not set(ADJECTIVES) & set(ANIMALS)


def test_no_word_is_added_removed_or_moved() -> None:
    # Each word's place and their number are part of every name that was ever given.
    words = "\n".join((*ADJECTIVES, "", *ANIMALS))
    assert (len(ADJECTIVES), len(ANIMALS)) == (158, 182)
    assert sha256(words.encode()).hexdigest() == WORDS


def test_a_name_stays_what_it_is() -> None:
    # Whoever changes the words or the digest gives everybody another name: this says so.
    assert aliases(["3fa85f64-5717-4562-b3fc-2c963f66afa6"], KEY) == PINNED


WORDS = "0f996539b790ff1e05fa3c7c6f08203ecacfb4ea42de1cdfde801c6d57080166"
PINNED = {"3fa85f64-5717-4562-b3fc-2c963f66afa6": "Solar Husky 9073"}


@given(ids)
def test_no_two_have_the_same_name_and_order_does_not_matter(some: frozenset[str]) -> None:
    names = aliases(some, KEY)
    assert names.keys() == some
    assert len(set(names.values())) == len(some)
    assert all(SHAPE.fullmatch(name) for name in names.values())
    assert aliases(sorted(some, reverse=True) * 2, KEY) == names


@given(ids, ids)
def test_a_name_never_becomes_somebody_elses(some: frozenset[str], more: frozenset[str]) -> None:
    before, after = aliases(some, KEY), aliases(some | more, KEY)
    for one, name in after.items():
        assert before.get(one, name) == name[: len(before.get(one, name))]
        assert name not in {told for other, told in before.items() if other != one}


def test_colliding_names_get_longer_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = {"a": "12345" * 15, "b": "12349" * 15, "c": "12345" * 14 + "99999", "d": "99999" * 15}
    monkeypatch.setattr(pseudonyms, "_spelt", lambda id_, _key: ("Quiet Heron", numbers[id_]))
    found = aliases("abcd", KEY)
    assert found["b"] == "Quiet Heron 12349"
    assert found["d"] == "Quiet Heron 9999"
    assert len(set(found.values())) == 4
    assert len(found["a"]) == len(found["c"]) == len("Quiet Heron ") + 71


def test_thousands_of_people_are_told_apart() -> None:
    many = [f"person-{number}" for number in range(20_000)]
    names = aliases(many, KEY)
    assert len(set(names.values())) == len(many)
    assert len({name.rsplit(" ", 1)[0] for name in names.values()}) > 10_000


def test_another_key_gives_other_names() -> None:
    some = [f"person-{number}" for number in range(50)]
    mine, other = aliases(some, KEY), aliases(some, KEY + "!")
    assert not set(mine.items()) & set(other.items())


def test_ids_that_are_no_text_have_a_name_too() -> None:
    hostile = ["\ud800", "", "a\x00b", "x" * 100_000]
    assert len(set(aliases(hostile, KEY).values())) == 4


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16"):
        aliases(islice("ab", 1), "x" * 15)
