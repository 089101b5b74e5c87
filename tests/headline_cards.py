"""The headline numbers of a page, read from what a browser is given to draw them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest

_EVENTS = "$$STREAMLIT_INTERNAL_KEY_{}__events"


@dataclass
class Card:
    """One of them; ``delta`` is how it moved, empty where nothing is compared."""

    label: str
    value: str
    delta: str
    help: str


def headline(test: AppTest) -> list[Card]:
    """The cards of a page, those of a number that only its chart shows left out."""
    return [
        Card(
            one["label"],
            one["value"],
            f"{one['arrow']} {one['change']}".strip() if one["change"] else "",
            one["meaning"],
        )
        for _, data in _rows(test)
        for one in data["cards"]
        if one["value"]
    ]


def charted(test: AppTest) -> str:
    """The name of the number that the chart of a page shows, as the cards say."""
    (_, data) = _switch(test)
    return str(data["chosen"])


def offered(test: AppTest) -> list[str]:
    """The names of the numbers that it can show; none on a page without such cards."""
    return [one["name"] for _, data in _rows(test) if data["chosen"] for one in data["cards"]]


def choose(test: AppTest, name: str) -> AppTest:
    """Run the page again after a click on a card."""
    id_, _ = _switch(test)
    states = test._tree.get_widget_states()
    told = json.dumps([{"event": "chosen", "value": name}])
    states.widgets.append(WidgetState(id=_EVENTS.format(id_), json_trigger_value=told))
    return test._run(states)


def _switch(test: AppTest) -> tuple[str, Mapping[str, Any]]:
    (row,) = [row for row in _rows(test) if row[1]["chosen"]]
    return row


def _rows(test: AppTest) -> list[tuple[str, Mapping[str, Any]]]:
    drawn = [(one.proto.id, json.loads(one.proto.json)) for one in test.get("bidi_component")]
    return [(id_, data) for id_, data in drawn if "cards" in data]
