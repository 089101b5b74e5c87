"""Answers are plain rows that can be laid side by side."""

import pytest

from bridgeboard.model.answer import Answer

CALLS = Answer(("tool", "tool_calls"), (("Bash", 5), ("Read", 2)))
SESSIONS = Answer(("tool", "sessions"), (("Read", 1), ("Edit", 3)))


def test_answers_about_the_same_things_stand_beside_each_other() -> None:
    both = CALLS.joined_with(SESSIONS, ("tool",))
    assert both.columns == ("tool", "tool_calls", "sessions")
    assert both.rows == (("Bash", 5, None), ("Read", 2, 1), ("Edit", None, 3))


def test_columns_can_be_taken_in_another_order() -> None:
    told = CALLS.joined_with(SESSIONS, ("tool",)).only_columns(("sessions", "tool"))
    assert told.columns == ("sessions", "tool")
    assert told.rows[1] == (1, "Read")


def test_the_only_row_is_told_by_name_and_several_are_refused() -> None:
    assert Answer(("requests",), ((7,),)).only == {"requests": 7}
    with pytest.raises(ValueError, match="too many values"):
        _ = CALLS.only
