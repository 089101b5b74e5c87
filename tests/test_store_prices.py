"""Prices put in the place of older ones, and the list of what has none."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from shutil import copy
from textwrap import dedent

import demo_worlds
import pytest
import truth
from demo_sync import NOW, bridge, contents, interceptions, opened, run

from bridgeboard.analysis.prices import unpriced
from bridgeboard.demo.world import make
from bridgeboard.pricing import Book, Status, estimated, parse
from bridgeboard.store import Store, prices
from bridgeboard.sync.reprice import Repriced, needs_reprice, reprice

TABLES = demo_worlds.small().tables
FEW = make(11, end=demo_worlds.END, days=2, scale=0.05).tables
SINCE, UNTIL = NOW - timedelta(days=60), NOW
PLAIN = Book()
TICK = timedelta(microseconds=1)
WITHIN = "started_at >= ? AND started_at < ?"
USAGE_ROW = """
INSERT INTO usage BY NAME SELECT ? AS usage, TIMESTAMP '2026-11-01' AS started_at,
    'interception' AS grain, 1 AS initiator, 'openai' AS provider, 'openai' AS provider_name,
    'gpt-5' AS model, 0 AS threads, 1 AS requests, 1 AS responses, 0 AS prompts, 0 AS tool_calls,
    0 AS injected, 0 AS tool_errors, 0 AS input, 0 AS output, 0 AS cache_read, 0 AS cache_write,
    0 AS input_sum, 0 AS output_sum, 0 AS cache_read_sum, 0 AS cache_write_sum,
    0 AS priced_tokens, 'unpriced' AS status, 0 AS digest
"""
RESPONSE_ROW = """
INSERT INTO responses BY NAME SELECT ? AS usage, TIMESTAMP '2026-11-01' AS started_at,
    TIMESTAMP '2026-11-01' AS answered_at, ? AS input, 0 AS output, 0 AS cache_read,
    0 AS cache_write, 0 AS cache_write_1h, 0 AS web_searches, 0 AS negatives,
    false AS split_unknown, false AS split_clamped, false AS total_mismatch,
    'unpriced' AS status, -1 AS tier
"""
TEXT = """
[vendors]
"openai" = "azure"

[[price]]
provider_name = "vllm-*"
model = "*"
input = 0.2
output = 0.8

[[price]]
provider_name = "anthropic"
multiplier = 0.9

[[price]]
provider_name = "google"
billing = "seat"
"""
FILE = Book(parse(TEXT))
HALF = Book(parse("[[price]]\nmultiplier = 0.5\n"))
"""Speaks for usage of unknown instances too."""


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the small company's requests at list prices, and by the file from the start."""
    folder = tmp_path_factory.mktemp("synced")
    for name, book in (("plain", PLAIN), ("file", FILE)):
        with opened(folder, name) as store:
            interceptions(store, bridge(TABLES), text=False, book=book)
            reprice(store, book, NOW)
    return folder


@pytest.fixture
def path(synced: Path, tmp_path: Path) -> Path:
    """A copy of the requests at list prices."""
    return Path(copy(synced / "plain", tmp_path / "store.duckdb"))


@pytest.fixture
def plain(path: Path) -> Iterator[Store]:
    with opened(path.parent) as store:
        yield store


@pytest.fixture(scope="module")
def by_file(synced: Path) -> dict[str, str]:
    """What a sync with the price file makes of the same requests."""
    with opened(synced, "file") as store:
        return contents(store)


@pytest.mark.slow
def test_reprice_by_a_file_is_a_fresh_sync_with_that_file(
    plain: Store, by_file: dict[str, str]
) -> None:
    before = contents(plain)
    told = reprice(plain, FILE, NOW)
    assert contents(plain) == by_file
    assert contents(plain) != before
    assert told.rows == len(truth.responses(TABLES, truth.finished(TABLES)))
    assert 0 < told.changed < told.rows


def test_reprice_in_small_pieces_and_back_again_is_where_it_began(plain: Store) -> None:
    before = contents(plain)
    away, back = (reprice(plain, book, NOW, rows=200) for book in (FILE, PLAIN))
    assert contents(plain) == before
    assert away == back


def test_reprice_by_the_same_book_changes_nothing(plain: Store) -> None:
    before = contents(plain)
    assert reprice(plain, PLAIN, NOW).changed == 0
    assert contents(plain) == before


def test_an_own_key_stays_no_spend(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        run(store, bridge(FEW))
        before = contents(store)
        assert reprice(store, PLAIN, NOW).changed == 0
        assert contents(store) == before
        assert reprice(store, HALF, NOW).changed > 0
        owns = "FROM usage WHERE credential_kind = 'byok' AND provider <> 'copilot'"
        assert store.rows(f"SELECT sum(cost), sum(shadow_cost) > 0 {owns}") == [(0, True)]


def test_the_sums_of_sessions_without_requests_are_priced_anew_as_sums(tmp_path: Path) -> None:
    with opened(tmp_path) as store, opened(tmp_path, "half.duckdb") as other:
        for target, book in ((store, PLAIN), (other, HALF)):
            run(target, bridge(FEW, profile="v2.35"), book=book)
        assert reprice(store, PLAIN, NOW).changed == 0
        assert reprice(store, HALF, NOW).changed > 0
        assert contents(store) == contents(other)


def test_a_store_wants_new_prices_when_the_book_is_another(plain: Store) -> None:
    reprice(plain, PLAIN, NOW)
    assert [needs_reprice(plain, book) for book in (PLAIN, FILE)] == [False, True]
    assert plain.meta("priced_at") == NOW.isoformat()


def test_an_empty_store_has_nothing_to_price(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        assert needs_reprice(store, PLAIN)
        assert reprice(store, PLAIN, NOW) == Repriced(0, 0)
        assert not needs_reprice(store, PLAIN)


DYING = dedent("""
    import os, signal, sys
    from datetime import UTC, datetime
    from pathlib import Path
    from bridgeboard.pricing import Book, load
    from bridgeboard.store import Store, prices
    from bridgeboard.sync.reprice import reprice

    path, file, pieces = sys.argv[1:]
    left, put = int(pieces), prices.put

    def dying(*given):
        global left
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        put(*given)

    prices.put = dying
    with Store.open(Path(path)) as store:
        reprice(store, Book(load(Path(file))), datetime(2026, 11, 20, tzinfo=UTC), rows=100)
""")


@pytest.mark.slow
@pytest.mark.parametrize("pieces", [0, 1, 3])
def test_a_killed_reprice_is_known_and_done_again_to_the_same_end(
    path: Path, by_file: dict[str, str], pieces: int
) -> None:
    file = path.with_name("prices.toml")
    file.write_text(TEXT, "utf-8")
    died = subprocess.run(  # noqa: S603  # our own script and paths
        [sys.executable, "-c", DYING, str(path), str(file), str(pieces)],
        check=False,
        env=dict(os.environ),
    )
    assert died.returncode == -signal.SIGKILL
    with opened(path.parent) as store:
        assert prices.version(store) is None
        assert needs_reprice(store, PLAIN)
        reprice(store, FILE, NOW)
        assert contents(store) == by_file


def test_spans_hold_everything_once_and_are_as_large_as_asked(plain: Store) -> None:
    spans = prices.spans(plain, 300)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
    held = [plain.rows(f"SELECT count(*) FROM usage WHERE {WITHIN}", span)[0][0] for span in spans]
    assert sum(held) == len(truth.finished(TABLES))
    assert all(
        count <= 300 or until - since == timedelta(days=1)
        for (since, until), count in zip(spans, held, strict=True)
    )
    assert len(prices.spans(plain, 10**9)) == 1


def unpriced_of_the_world() -> dict[tuple[str, str], tuple[int, int, int]]:
    """(instance, model) → requests, responses and tokens without a list price."""
    rows = {row.id: row for row in truth.finished(TABLES)}
    found: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for (identity, _), counts in truth.responses(TABLES, rows.values()).items():
        row = rows[identity]
        price = PLAIN.resolve(row.provider, row.provider_name, row.model, row.started_at)
        if price.status is Status.UNPRICED:
            found.setdefault((row.provider_name, row.model), []).append((identity, counts.total))
    return {
        key: (len({one for one, _ in told}), len(told), sum(total for _, total in told))
        for key, told in found.items()
    }


def test_the_unpriced_list_is_what_the_world_used_without_a_price(plain: Store) -> None:
    told = unpriced(plain, SINCE, UNTIL)
    tokens = told["input"] + told["output"] + told["cache_read"] + told["cache_write"]
    assert tokens.tolist() == sorted(tokens, reverse=True)
    keys = zip(told["provider_name"], told["model"], strict=True)
    figures = zip(told["requests"], told["responses"], tokens, strict=True)
    assert dict(zip(keys, figures, strict=True)) == unpriced_of_the_world()
    assert len(told) > 0


def test_the_unpriced_list_tells_when_and_why_and_what_to_do(plain: Store) -> None:
    own = estimated(unpriced(plain, SINCE, UNTIL), NOW).set_index("provider_name")
    row = own.loc["vllm-internal"]
    mine = truth.finished(TABLES, provider_name="vllm-internal", model=row["model"])
    with_tokens = {identity for identity, _ in truth.responses(TABLES, mine)}
    started = [one.started_at for one in mine if one.id in with_tokens]
    assert (row["first_at"], row["last_at"]) == tuple(
        at.astimezone(UTC).replace(tzinfo=None) for at in (min(started), max(started))
    )
    assert row["note"] == "nobody knows who bills for this provider"
    assert row["model"] in row["snippet"]
    assert row["least"] is None


def test_what_the_snippet_prices_leaves_the_unpriced_list(plain: Store) -> None:
    before = unpriced(plain, SINCE, UNTIL)
    wanted = estimated(before, NOW)["snippet"].map(lambda text: text.replace('= "?"', "= 1"))
    reprice(plain, Book(parse("\n".join(wanted))), NOW)
    after = unpriced(plain, SINCE, UNTIL)
    assert set(after["model"]) <= {"", "coder-aibridge-unknown"}
    assert len(after) < len(before)


def test_the_unpriced_list_keeps_to_its_window_of_any_zone(plain: Store) -> None:
    whole = unpriced(plain, SINCE, UNTIL)
    last = whole["last_at"].max().to_pydatetime().replace(tzinfo=UTC)
    berlin = last.astimezone(timezone(timedelta(hours=1)))
    until, past = (unpriced(plain, SINCE, at) for at in (berlin, berlin + TICK))
    assert int(until["requests"].sum()) < int(past["requests"].sum())
    assert int(past["requests"].sum()) == int(whole["requests"].sum())
    assert unpriced(plain, UNTIL, UNTIL).empty


def test_counts_beyond_64_bits_are_listed_whole(tmp_path: Path) -> None:
    most = 2**63 - 1
    with opened(tmp_path) as store:
        with store.write() as batch:
            for usage in (1, 2):
                batch.execute(USAGE_ROW, [usage])
                batch.execute(RESPONSE_ROW, [usage, most])
        assert unpriced(store, SINCE, UNTIL)["input"].tolist() == [2 * most]
        assert reprice(store, PLAIN, NOW) == Repriced(2, 2)
        told = unpriced(store, SINCE, UNTIL)
        assert told["note"].tolist() == ["a count beyond 10^12 cannot be true"]
