"""Words gathered of prompts rule out prompts without them, and never one that has them."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest
from costly_laws import tried
from hypothesis import example, given
from hypothesis import strategies as st
from listed_sessions import EVERYTHING
from small_bridges import NOW, Book
from stores import contents, fresh, put

from bridgeboard.analysis import text_search as gathered
from bridgeboard.model.answer import Answer
from bridgeboard.model.text_runs import Run
from bridgeboard.queries.session_filters import Find
from bridgeboard.queries.text_search import (
    Hit,
    Search,
    Slice,
    Spot,
    begun,
    folded,
    narrowed,
    slices,
    spread,
)
from bridgeboard.store import Batch, Store, backup, opening, prune, restore, text_index

HOSTILE = (
    *(
        "straße",
        "STRASSE",
        "ẞ",
        "K",
        "k",
        "\u017f",
        "s",
        "ς",
        "\u03c3",
        "İ",
        "i",
        "I",
        "\u0131",
        "µ",
        "μ",
    ),
    *("数据库", "查看数据", "🚀", "é", "e\u0301", "\u202e", "\u00a0", "\x00", "\ufffd", "\x85"),
    *(
        "%",
        "_",
        "a_b",
        ".*",
        "\\E",
        "'",
        '"',
        "(",
        ")",
        "foo(bar)",
        "src/a.py",
        "--",
        "",
        " ",
        "\n",
    ),
    *("a", "ab", "abc", "ABCABC", "the", "The", "deadbeef", "10", "x" * 70_000),
)
FEW = tried(40)
TEXTS = st.lists(st.sampled_from(HOSTILE), max_size=6).map("".join) | st.text(max_size=12)
WORDS = st.lists(st.sampled_from([word for word in HOSTILE if word.split()]) | TEXTS, min_size=1)
DAY = 24 * 60


@dataclass
class Company:
    """A store, and every prompt that was ever told to it: one a request, one request a day."""

    folder: Path
    texts: list[str] = field(default_factory=list)
    edition: int = 0

    def __post_init__(self) -> None:
        self.store = fresh(self.folder)

    def tell(self, *texts: str) -> None:
        self.texts += texts
        self._put(len(self.texts) - len(texts))

    def tell_again(self, place: int, text: str) -> None:
        if self.texts:
            place %= len(self.texts)
            self.texts[place] = text
            self._put(place, place + 1)

    def reopen(self) -> None:
        self.store.close()
        self.store = fresh(self.folder)

    def _put(self, first: int, until: int | None = None) -> None:
        book = Book()
        for number, text in enumerate(self.texts):
            start = -DAY * (number % 7)
            book.call(start, prompts=[(start, text)])
        self.edition += 1
        put(self.store, book.tables(), book.calls[first:until], edition=self.edition)


@contextmanager
def company() -> Iterator[Company]:
    with tempfile.TemporaryDirectory() as folder:
        made = Company(Path(folder))
        try:
            yield made
        finally:
            made.store.close()


def runs_with(store: Store, *words: str) -> list[Run] | None:
    with store.snapshot() as reader:
        return gathered.runs_with(reader, words)


def in_runs(store: Store, *words: str) -> set[int]:
    """The keys of requests that may have words."""
    keys = {key for (key,) in store.rows("SELECT DISTINCT usage FROM prompts")}
    runs = runs_with(store, *words)
    if runs is None:
        return keys
    return {key for key in keys for run in runs if run.first <= key <= run.last}


def having(store: Store, *words: str) -> set[int]:
    """Those that have them, each text being looked at."""
    has = " AND ".join(f"regexp_matches(text, ${n + 1}, 'il')" for n, _ in enumerate(words))
    return {key for (key,) in store.rows(f"SELECT usage FROM prompts WHERE {has}", list(words))}


def hits(
    store: Store, words: str, *, known: bool, most: int = 1000, before: Spot | None = None
) -> list[Hit]:
    """What a search finds, with what is known of words or without."""
    find, search = Find(EVERYTHING), Search(words)
    with store.snapshot() as reader:
        told = Answer.of(*reader.named(*spread(find, search)))
        parts: list[Slice] = slices(find, search, told, most=most, before=before, size=2)
        runs = gathered.runs_with(reader, search.each)
        if known and runs is not None:
            parts = narrowed(find, search, parts, runs, most=most, before=before)
        progress = begun(parts, most=most)
        for part in parts:
            progress = folded(progress, part, Answer.of(*reader.named(*part.query)), search)
    assert progress.searched == progress.texts
    return list(progress.hits)


def check(store: Store, words: Sequence[str]) -> None:
    line = " ".join(" ".join(words).split()[:10])[:150]
    if line.split():
        assert hits(store, line, known=True) == hits(store, line, known=False)
        each = Search(line).each
        assert in_runs(store, *each) >= having(store, *each)


@FEW
@given(st.lists(TEXTS, max_size=12), WORDS, st.integers(1, 5))
@example(["ends K", "elvin"], ["kelvin"], 1)
@example(["100 \u212aelvin", "nothing"], ["KELVIN"], 1)
@example(["foo", "(bar"], ["foo(bar"], 2)
def test_a_search_that_knows_words_finds_what_one_without_finds(
    texts: list[str], words: list[str], size: int
) -> None:
    with company() as told:
        told.tell(*texts)
        text_index.gather(told.store, least=1, texts=size)
        check(told.store, words)


STEPS = st.one_of(
    st.tuples(st.just("tell"), st.lists(TEXTS, min_size=1, max_size=4)),
    st.tuples(st.just("again"), st.tuples(st.integers(0, 50), TEXTS)),
    st.tuples(st.just("prune"), st.integers(0, 7)),
    st.tuples(st.just("rows"), st.integers(0, 7)),
    st.tuples(st.just("gather"), st.integers(1, 5)),
    st.tuples(st.just("interrupted"), st.integers(0, 2)),
    st.tuples(st.just("reopen"), st.none()),
)


def apply(told: Company, step: str, how: object) -> None:
    match step, how:
        case "tell", list(texts):
            told.tell(*texts)
        case "again", (int(place), str(text)):
            told.tell_again(place, text)
        case "prune", int(days):
            prune(told.store, text_days=days, rows_days=None, now=NOW + timedelta(hours=1))
        case "rows", int(days):
            prune(told.store, text_days=None, rows_days=days, now=NOW + timedelta(hours=1))
        case "gather", int(texts):
            text_index.gather(told.store, least=1, texts=texts)
        case "interrupted", int(pieces):
            left = iter(range(pieces))
            text_index.gather(told.store, least=1, texts=1, stops=lambda: next(left, None) is None)
        case _:
            told.reopen()


@pytest.mark.slow
@FEW
@given(st.lists(STEPS, max_size=10), WORDS)
@example(
    [("tell", ["a", "old"]), ("gather", 1), ("rows", 0), ("reopen", None), ("tell", ["new"])],
    ["new"],
)
@example([("tell", ["a", "b"]), ("gather", 1), ("again", (0, "new"))], ["old"])
def test_it_stays_so_through_everything_that_happens_to_prompts(
    steps: list[tuple[str, object]], words: list[str]
) -> None:
    with company() as told:
        for step, how in steps:
            apply(told, step, how)
            runs = told.store.rows("SELECT DISTINCT first, last FROM vocabulary ORDER BY first")
            assert all(one[1] < two[0] for one, two in pairwise(runs))
        for each in (words, *(text.split() for text in told.texts[-8:])):
            check(told.store, each)


@pytest.fixture
def filled() -> Iterator[Company]:
    """Forty prompts, each with a word of its own."""
    with company() as made:
        made.tell(*(f"Word{number:02} of all" for number in range(40)))
        yield made


def test_prompts_without_a_word_are_ruled_out(filled: Company) -> None:
    assert runs_with(filled.store, "word07") is None
    assert text_index.gather(filled.store, least=1, texts=1) == 40
    (run,) = runs_with(filled.store, "WORD07") or []
    assert (run.first, run.last, run.texts) == (8, 8, 1)
    assert run.since == run.until == NOW
    assert len(runs_with(filled.store, "word0") or []) == 10
    assert len(runs_with(filled.store, "of") or []) == 40
    assert runs_with(filled.store, "nowhere") == []
    assert runs_with(filled.store, "word07", "word08") == []


def test_a_word_of_several_is_told_apart_by_where_it_begins_and_ends(filled: Company) -> None:
    filled.tell("src/abc.py", "xsrc/abc.pyc", "src/abcd.py")
    text_index.gather(filled.store, least=1, texts=1)
    assert in_runs(filled.store, "src/abc.py") == {41, 42} == having(filled.store, "src/abc.py")
    assert in_runs(filled.store, "c/abc.pyc") == {42}
    assert runs_with(filled.store, "/.-") is None


def test_pages_of_a_search_that_knows_words_go_on_where_they_ended(filled: Company) -> None:
    text_index.gather(filled.store, least=1, texts=3)
    every = hits(filled.store, "word0", known=False)
    page = hits(filled.store, "word0", known=True, most=4)
    rest = hits(filled.store, "word0", known=True, before=page[-1].spot)
    assert page + rest == every


def test_nothing_is_gathered_while_little_is_new(filled: Company) -> None:
    assert text_index.gather(filled.store) == 0
    assert text_index.gather(filled.store, least=41) == 0
    assert text_index.gather(filled.store, least=40) == 40
    before, version = contents(filled.store), filled.store.version
    assert text_index.gather(filled.store, least=1) == 0
    assert (contents(filled.store), filled.store.version) == (before, version)


def test_gathering_changes_no_answer_and_so_no_version(filled: Company) -> None:
    version = filled.store.version
    assert text_index.gather(filled.store, least=1) == 40
    assert filled.store.version == version
    filled.reopen()
    assert filled.store.version == version
    filled.tell("more")
    assert filled.store.version == version + 1


def test_what_is_told_again_is_read_until_it_is_gathered_again(filled: Company) -> None:
    text_index.gather(filled.store, least=1, texts=1)
    filled.tell_again(5, "something else")
    assert in_runs(filled.store, "else") == in_runs(filled.store, "word05") == {6}
    assert text_index.gather(filled.store, least=1, texts=1) == 1
    assert (in_runs(filled.store, "else"), in_runs(filled.store, "word05")) == ({6}, set())


def test_words_go_with_the_text_that_had_them(filled: Company) -> None:
    text_index.gather(filled.store, least=1, texts=8)
    prune(filled.store, text_days=3, rows_days=None, now=NOW)
    assert filled.store.rows("SELECT count(*) FROM vocabulary WHERE since < ?", [since(3)]) == [
        (0,)
    ]
    text_index.gather(filled.store, least=1, texts=8)
    gone = [text.split()[0] for number, text in enumerate(filled.texts) if number % 7 > 3]
    kept = " ".join(words for (words,) in filled.store.rows("SELECT words FROM vocabulary"))
    assert not any(word.lower() in kept for word in gone)


def since(days: int) -> object:
    return (NOW - timedelta(days=days)).replace(tzinfo=None)


def test_an_interrupted_gathering_keeps_whole_batches_and_goes_on(
    filled: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_one = text_index._put
    calls = iter(range(100))

    def failing(batch: Batch, first: int, last: int) -> int:
        if next(calls) == 11:
            raise RuntimeError
        return put_one(batch, first, last)

    with monkeypatch.context() as patch:
        patch.setattr(text_index, "_put", failing)
        with pytest.raises(RuntimeError):
            text_index.gather(filled.store, least=1, texts=1)
    assert filled.store.rows("SELECT count(*) FROM vocabulary") == [(8,)]
    for word in ("word03", "word20"):
        assert in_runs(filled.store, word) >= having(filled.store, word)
    assert text_index.gather(filled.store, least=1, texts=1) == 32


def test_texts_of_ever_new_words_are_always_read(tmp_path: Path) -> None:
    texts = [" ".join(f"{number}x{word}" for word in range(3000)) for number in range(4)]
    told = Company(tmp_path)
    told.tell(*texts)
    text_index.gather(told.store, least=1)
    assert told.store.rows("SELECT words FROM vocabulary") == [(None,)]
    assert in_runs(told.store, "nowhere") == {1, 2, 3, 4}
    told.store.close()


def test_a_backup_keeps_words(filled: Company, tmp_path: Path) -> None:
    text_index.gather(filled.store, least=1, texts=1)
    before = contents(filled.store)
    backup(filled.store, tmp_path / "kept", now=NOW)
    restore(tmp_path / "kept", tmp_path / "again.duckdb", now=NOW)
    with Store.open(tmp_path / "again.duckdb", threads=1) as store:
        assert contents(store) == before
        assert in_runs(store, "word07") == {8}


def test_a_file_from_before_is_searched_in_full_and_gathered(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "store.duckdb")) as connection:
        opening.migrate(connection, tmp_path, 1)
        connection.execute(
            "INSERT INTO prompts SELECT n, '2026-05-20', 0, '2026-05-20', 'word' || n"
            " FROM range(30) AS r(n)"
        )
    (tmp_path / "store.duckdb").chmod(0o600)
    with fresh(tmp_path) as store:
        assert runs_with(store, "word7") is None
        assert text_index.gather(store, least=1, texts=1) == 30
        assert in_runs(store, "word7") == {7}
