"""Every reader on every action: what goes over the wire, not what is drawn.

An action is something that a reader does, by the page or past it (``reader_actions``). Each reader
does each of them, those who may see more before those who may see less, so that whatever is cached
for the former could be given to the latter. No message and no file may hold a word that the reader
must not be told. That the same action does send such words to others shows that they were looked
for in the right place, and that they come through when a check is missing, that it is the checks
that keep them back.
"""

import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from dashboard_process import dashboard
from databases import unusable
from matrix_readers import (
    COMPANY,
    PSEUDONYMS,
    company,
    found,
    mutated,
    readers,
    settings_file,
    veiled,
)
from reader_actions import (
    ACTIONS,
    APART,
    REASON,
    Crossing,
    Go,
    Ground,
    cross,
    files,
    prepare,
    session_of,
)
from removed_checks import MISSING
from wire import WireError, await_sync

pytestmark = pytest.mark.slow
FIRST = ("auditor", "analyst")
"""Who may see most, and so comes first."""
Matrix = dict[tuple[str, str], Crossing]


@contextmanager
def grounds(folder: Path, *names: str) -> Iterator[dict[str, Ground]]:
    """Dashboards with real names, with pseudonyms, and one that is mutated; all at once."""
    told = company()
    every = {"real": readers(told), "veiled": veiled(told), "mutated": readers(told)}
    with ExitStack() as stack:
        made = {}
        for name in names:
            who = every[name]
            place = folder / name
            place.mkdir()
            more = PSEUDONYMS if name == "veiled" else ""
            around: dict[str, Any] = {
                "BRIDGEBOARD_SETTINGS": str(settings_file(place, told.team, more)),
                "TMPDIR": str(place),
            }
            if name == "mutated":
                (place / "missing").write_text("nothing", "utf-8")
                run = mutated(MUTATION=str(place / "missing"), **around)
            else:
                run = dashboard("demo", *COMPANY, **around)
            made[name] = Ground(stack.enter_context(run), told, who, place)
        for ground in made.values():
            await_sync(ground.address)
        yield made


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Ground]]:
    with grounds(tmp_path_factory.mktemp("matrix"), "real", "veiled", "mutated") as made:
        yield made


@pytest.fixture(scope="module")
def ground(every: dict[str, Ground]) -> Ground:
    prepare(every["real"])
    return every["real"]


def crossed(ground: Ground, *names: str) -> Matrix:
    """Every reader on these actions, whoever sees most first and by themselves."""
    made: Matrix = {}
    first = [name for name in ground.who if name in FIRST]
    rest = [name for name in ground.who if name not in FIRST]
    with ThreadPoolExecutor(3) as pool:
        for name in names or ACTIONS:
            for who in first:
                made[who, name] = cross(ground, who, name)
            each = map if ACTIONS[name].is_alone else pool.map
            told = each(partial(cross, ground, name=name), rest)
            made |= {(who, name): one for who, one in zip(rest, told, strict=True)}
    return made


@pytest.fixture(scope="module")
def matrix(ground: Ground) -> Matrix:
    return crossed(ground)


def leaks(made: Matrix) -> dict[tuple[str, str], list[str]]:
    return {place: sorted(one.leaks)[:5] for place, one in made.items() if one.leaks}


WHO = tuple(readers(company()))


@pytest.mark.parametrize("who", WHO)
def test_no_reader_is_sent_what_they_must_not_be_told(matrix: Matrix, who: str) -> None:
    mine = {place: one for place, one in matrix.items() if place[0] == who}
    assert len(mine) == len(ACTIONS)
    assert leaks(mine) == {}


@pytest.mark.parametrize("name", ACTIONS)
def test_every_surface_sends_such_words_to_who_may_be_told(matrix: Matrix, name: str) -> None:
    who, kind = ACTIONS[name].sends
    assert matrix[who, name].got[kind]


@pytest.mark.parametrize(
    ("who", "kind"),
    [
        *(("auditor", kind) for kind in ("names", "rows", "keys")),
        *(("analyst", kind) for kind in ("names", "rows", "keys")),
        *(("lead", kind) for kind in ("names", "rows", "keys")),
        *(("self", kind) for kind in ("names", "rows", "keys", "texts")),
        *(("viewer as self", kind) for kind in ("names", "rows", "keys", "texts")),
        *((who, "offers") for who in ("admin", "viewer", "viewer and self")),
    ],
)
def test_every_reader_is_sent_what_they_may_be_told(matrix: Matrix, who: str, kind: str) -> None:
    assert any(matrix[who, name].got[kind] for name in ACTIONS)


def test_an_auditor_is_sent_text_once_there_is_a_reason(ground: Ground) -> None:
    assert set(ground.revealed) == {"session", "file", "request", "search"}
    assert all(ground.revealed.values())


PLAIN = [name for name, one in ACTIONS.items() if not (one.forges or "splits" in name)]


def test_pseudonyms_keep_every_name_back(every: dict[str, Ground]) -> None:
    ground = every["veiled"]
    made = crossed(ground, *PLAIN)
    assert leaks(made) == {}
    for who in ground.who:
        assert any(one.got["rows"] for place, one in made.items() if place[0] == who)


@pytest.fixture(scope="module")
def mutable(every: dict[str, Ground]) -> Ground:
    prepare(every["mutated"])
    return every["mutated"]


@pytest.mark.parametrize("missing", MISSING)
def test_without_a_check_words_come_through(mutable: Ground, missing: str) -> None:
    assert leaks(mutant(mutable, "nothing", missing)) == {}
    assert leaks(mutant(mutable, missing, missing)) != {}


TOLD_BY = {
    "row_access": ("viewer", "page people"),
    "pages": ("viewer", "page audit"),
    "reason": ("auditor", "the switch before a request's text"),
    "cache": ("lead", "page people"),
    "saved_views": ("viewer", "saved views"),
    "session_owner": ("viewer", "a session of the wire that somebody else began"),
    "files": ("viewer", "files of somebody else"),
    "log": ("auditor", "text while nothing can be noted"),
}
"""A check, and who would be told too much on which action if it were missing."""


def mutant(ground: Ground, missing: str, name: str) -> Matrix:
    """What comes of one action after an analyst was on it, while a check is missing."""
    who, what = TOLD_BY[name]
    (ground.folder / "missing").write_text(missing, "utf-8")
    try:
        cross(ground, "analyst", what)
        return {(who, what): cross(ground, who, what)}
    finally:
        (ground.folder / "missing").write_text("nothing", "utf-8")


def test_what_is_not_theirs_is_as_if_it_were_not_there(ground: Ground) -> None:
    """Nobody can tell by an answer that somebody or something exists that they may not see."""
    row, told = ground.theirs, ground.told
    invented = {
        told.other.username: "nobody-is-called-so",
        row.session_id: "5e0a1d1e-0000-4000-8000-00000000dead",
        row.initiator_id: "5e0a1d1e-0000-4000-8000-00000000beef",
        row.id: "5e0a1d1e-0000-4000-8000-00000000cafe",
    }
    asked: list[tuple[str, dict[str, str]]] = [
        ("person", {"who": told.other.username}),
        ("sessions", {"people": told.other.username}),
        ("sessions", {"session_id": row.session_id}),
        ("session", {"id": row.session_id, "person": row.initiator_id}),
        ("session", {"id": row.session_id}),
        ("interceptions", {"request": row.id}),
        ("compare", {"what": "people", "a": told.other.username, "b": told.me.username}),
        ("compare", {"what": "sessions", "a": row.session_id, "b": row.session_id[::-1]}),
    ]
    for who in ("analyst", "lead", "self"):
        for page, query in asked:
            real = shown(ground, who, page, query)
            other = {key: invented.get(value, value) for key, value in query.items()}
            for word, name in invented.items():
                real = [text.replace(word, name) for text in real]
            is_same = real == shown(ground, who, page, other)
            assert is_same == (who != "analyst"), (who, page, query)


def shown(ground: Ground, who: str, page: str, query: dict[str, str]) -> list[str]:
    """All words on a page, but for what says how long ago something was."""
    with Go(ground, ground.who[who]).visit(page, **query) as reader:
        kept = [text for text in reader.screen.texts if "synced" not in text]
        # Ids of widgets hang on what they are made of; Markdown is written with backslashes.
        return [re.sub(r"[0-9a-f]{32,}|\\", "", text) for text in kept]


def test_what_was_done_is_noted_with_who_and_why_and_no_text(
    ground: Ground, matrix: Matrix
) -> None:
    assert matrix
    assert ground.log.verify().broken is None
    revealed = ground.entries("reveal")
    assert {one.who for one in revealed} >= {ground.who["auditor"].email}
    others = {ground.who["self"].email, ground.who["viewer as self"].email}
    for one in revealed:
        assert one.who == ground.who["auditor"].email or one.who in others
        assert one.about
        # What somebody wrote themselves needs no reason.
        assert one.why == ("" if one.who in others else REASON)
    theirs = ground.theirs
    whose = f"text of person {theirs.initiator_id}"
    assert f"{whose}, session {theirs.session_id}" in {one.about for one in revealed}
    assert f"{whose}, request {theirs.id}" in {one.about for one in revealed}
    for name, who in ground.who.items():
        logins = [one for one in ground.entries("login") if one.who == who.email]
        exports = [one for one in ground.entries("export") if one.who == who.email]
        assert bool(logins) == bool(exports) == (name not in {"somebody", "nobody"})
        assert all(one.about for one in exports)
    refused = {(one.who, one.what) for one in ground.log.entries(100_000) if "refused" in one.what}
    assert (ground.who["somebody"].email, "refused") in refused
    assert ("somebody unnamed", "refused") in refused
    assert (ground.who["viewer"].email, "refused page sessions") in refused
    assert (ground.who["analyst"].email, "refused page audit") in refused
    assert (ground.who["auditor"].email, "refused page settings") in refused
    files = ground.log.database.folder.glob("state.sqlite*")
    assert not found([file.read_bytes() for file in files], ground.told.words["texts"])


def test_nothing_is_revealed_or_taken_away_when_it_cannot_be_noted(ground: Ground) -> None:
    (apart,) = APART
    for who in FIRST:
        assert cross(ground, who, apart).leaks == set()
    go = Go(ground, ground.who["auditor"])
    with go.visit("session", **session_of(ground.theirs)) as reader:
        reader.write("reveal_reason", REASON)
        with unusable(ground.file):
            reader.toggle("reveal", on=True)
            assert any("Recorded text stays hidden" in text for text in reader.screen.texts)
            with pytest.raises(WireError, match="not made"):
                files(reader)
        assert not found(reader.raw, ground.told.words["texts"])
        assert not any(b'"threads"' in one for one in reader.raw)
        reader.rerun()
        assert found(reader.raw, ground.told.words["texts"])
    with unusable(ground.file), Go(ground, ground.who["analyst"]).visit("people") as reader:
        assert not found(reader.raw, ground.told.words["names"])
        assert any("Nobody can come in now" in text for text in reader.screen.texts)


def test_the_crossings_are_told(matrix: Matrix) -> None:
    """A line for each reader: what was crossed, what came, and that nothing forbidden did."""
    lines = [f"{'reader':18}{'crossings':>10}{'MB sent':>9}{'permitted':>11}{'leaks':>7}"]
    for who in WHO:
        mine = [one for place, one in matrix.items() if place[0] == who]
        permitted = sum(sum(one.got.values()) for one in mine)
        size, told = sum(one.size for one in mine) / 1e6, sum(len(one.leaks) for one in mine)
        lines.append(f"{who:18}{len(mine):>10}{size:>9.1f}{permitted:>11}{told:>7}")
    sys.stdout.write("\n" + "\n".join(lines) + "\n")  # to be seen with -s
    assert len(lines) == len(WHO) + 1
