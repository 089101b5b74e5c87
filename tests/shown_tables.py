"""The tables of a page, read from what a browser is given to draw them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest

_EVENTS = "$$STREAMLIT_INTERNAL_KEY_{}__events"


@dataclass(frozen=True)
class Table:
    """One of them; columns are known by their labels."""

    id: str
    data: Mapping[str, Any]

    @property
    def label(self) -> str:
        """What a screen reader calls it."""
        return str(self.data["label"])

    @property
    def note(self) -> str:
        """What stands below it."""
        return str(self.data["note"])

    def meaning(self, label: str) -> str:
        """What a column's head says to who points at it."""
        return str(self._of(label)["meaning"])

    @property
    def heads(self) -> list[str]:
        return [column["label"] for column in self.data["columns"]]

    @property
    def order(self) -> tuple[str, bool] | None:
        """The column that it is sorted by, and whether upwards."""
        order = self.data["order"]
        return (self.heads[order["by"]], order["up"]) if order else None

    @property
    def totals(self) -> dict[str, str]:
        """What stands in the first row below all others; nothing where there is none."""
        row = next(iter(self.data["totals"]), ())
        return dict(zip(self.heads, map(_text, row), strict=False))

    @property
    def rows(self) -> list[dict[str, str]]:
        """What stands in each row, in the order that the browser shows them in."""
        by, upwards = self.order or ("", False)
        return self.sorted(by, upwards=upwards)

    @property
    def lines(self) -> list[tuple[str, ...]]:
        """What stands in each row, in the order they are given in."""
        cells = [map(_text, column["cells"]) for column in self.data["columns"]]
        return list(zip(*cells, strict=True))

    def column(self, label: str) -> list[str]:
        """What stands in a column, in that order."""
        return [row[label] for row in self.rows]

    def whole(self, label: str) -> list[str]:
        """All that the cells of a column stand for, in the order they are given in."""
        return [_whole(cell) for cell in self._of(label)["cells"]]

    def links(self, label: str) -> list[str | None]:
        """The addresses that the cells of a column lead to, in the order they are given in."""
        links = self._of(label)["links"]
        return [None if end is None else links["start"] + end for end in links["ends"]]

    def sorted(self, by: str, *, upwards: bool) -> list[dict[str, str]]:
        """The rows as the browser sorts them by a column: unknown ones last, then by the first."""
        rows = [dict(zip(self.heads, row, strict=True)) for row in self.lines]
        if not by or self.data["part"]:
            return rows
        ranks: Sequence[int | None] = self._of(by)["ranks"]
        names: Sequence[int | None] = self.data["columns"][0]["ranks"]

        def key(row: int) -> tuple[bool, int, int, int]:
            rank = ranks[row]
            return rank is None, (rank or 0) * (1 if upwards else -1), names[row] or 0, row

        return [rows[row] for row in sorted(range(len(rows)), key=key)]

    def _of(self, label: str) -> Any:
        return self.data["columns"][self.heads.index(label)]


def tables(test: AppTest) -> list[Table]:
    """The tables of a page, in its order."""
    drawn = [(one.proto.id, json.loads(one.proto.json)) for one in test.get("bidi_component")]
    return [Table(id_, data) for id_, data in drawn if "columns" in data]


def table(test: AppTest, key: str) -> Table:
    """The table with this key."""
    (one,) = [each for each in tables(test) if each.id.endswith(f"-{key}")]
    return one


def titled(test: AppTest, title: str) -> Table:
    """The table below a title of its own."""
    (one,) = [each for each in tables(test) if each.data["title"] == title]
    return one


def press(test: AppTest, key: str, event: list[Any]) -> AppTest:
    """Run the page again with what the table tells when a head of it is pressed."""
    told = json.dumps([{"event": "sorted", "value": event}])
    states = test._tree.get_widget_states()
    id_ = _EVENTS.format(table(test, key).id)
    states.widgets.append(WidgetState(id=id_, json_trigger_value=told))
    return test._run(states)


def sort(test: AppTest, key: str, by: str, *, upwards: bool) -> AppTest:
    """Run the page again with the table sorted by a column."""
    return press(test, key, [table(test, key).heads.index(by), upwards])


def _text(cell: str | list[str]) -> str:
    return cell if isinstance(cell, str) else cell[0]


def _whole(cell: str | list[str]) -> str:
    return cell if isinstance(cell, str) else cell[1]
