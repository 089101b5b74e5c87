"""The oracle counts what one can count by hand."""

from datetime import UTC, datetime, timedelta

import truth

from bridgeboard.demo.records import InterceptionRow, PromptRow, Tables, TokenRow, ToolRow

NOW = datetime(2026, 5, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def call(name: str, minute: int, *, root: str | None = None, done: bool = True) -> InterceptionRow:
    at = NOW + minute * MINUTE
    return InterceptionRow(
        id=name,
        initiator_id="bob" if name == "c" else "ann",
        provider="anthropic",
        model="opus",
        started_at=at,
        ended_at=at + MINUTE if done else None,
        session_id="s",
        provider_name="bedrock-eu",
        client=None if name == "a" else "Zed",
        thread_root_id=root,
    )


TABLES = Tables(
    interceptions=(
        call("a", 0),
        call("b", 1, root="a"),
        call("c", 2),
        call("d", 3, done=False),
    ),
    tokens=(
        TokenRow("t1", "a", NOW, "r1", 2, 5, 100, 10),
        TokenRow("t2", "a", NOW, "r1", 0, 61, 0, 0),
        TokenRow("t3", "a", NOW, "r2", 7, 3, 0, 0),
        TokenRow("t4", "b", NOW, "", 1, 1, 0, 0),
        TokenRow("t5", "b", NOW, "", 1, 1, 0, 0),
        TokenRow("t6", "d", NOW, "r9", 1_000, 1, 0, 0),
    ),
    prompts=(PromptRow("p1", "a", NOW, "hello"), PromptRow("p2", "d", NOW, "lost")),
    tools=(ToolRow("u1", "b", NOW, "Bash"),),
)
DONE = truth.finished(TABLES)


def names(rows: list[InterceptionRow]) -> str:
    return "".join(row.id for row in rows)


def test_unfinished_calls_do_not_count() -> None:
    assert names(DONE) == "abc"


def test_windows_are_half_open() -> None:
    assert names(truth.finished(TABLES, since=NOW + MINUTE, until=NOW + 2 * MINUTE)) == "b"


def test_filters_narrow_together() -> None:
    assert names(truth.finished(TABLES, person_id="ann", client="Zed")) == "b"
    assert names(truth.finished(TABLES, provider_name="bedrock-eu", model="opus")) == "abc"
    assert truth.finished(TABLES, provider="openai") == []


def test_a_missing_client_is_unknown() -> None:
    assert names(truth.finished(TABLES, client="Unknown")) == "a"


def test_people_sessions_and_threads_are_counted_apart() -> None:
    assert truth.people(DONE) == {"ann", "bob"}
    assert truth.sessions(DONE) == {("s", "ann"), ("s", "bob")}
    assert truth.threads(DONE) == 2


def test_prompts_and_tools_hang_on_the_rows_asked_for() -> None:
    assert [row.prompt for row in truth.prompts(TABLES, DONE)] == ["hello"]
    assert [row.tool for row in truth.tool_calls(TABLES, DONE)] == ["Bash"]


def test_recorded_tokens_are_plain_sums() -> None:
    assert truth.recorded(TABLES, DONE) == truth.Counts(11, 71, 100, 10)


def test_responses_merge_the_rows_of_one_answer_and_no_others() -> None:
    merged = truth.responses(TABLES, DONE)
    assert merged["a", "r1"] == truth.Counts(2, 61, 100, 10)
    assert set(merged) == {("a", "r1"), ("a", "r2"), ("b", "t4"), ("b", "t5")}
    assert truth.total(merged.values()).total == 187
