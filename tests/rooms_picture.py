"""The picture of the rooms, docs/images/rooms.svg, drawn from the table of tests/test_rooms.py.

``python tests/rooms_picture.py`` draws it anew.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "rooms.svg"
WIDTH, HEIGHT = 1008, 780
BOX_WIDTH, BOX_HEIGHT = 124, 52
COLUMN, ROW, LEFT, TOP = 142, 104, 78, 44


class Place(NamedTuple):
    """Where a room stands, by column and row, and what it holds in a few words."""

    column: float
    row: float
    words: str


PLACES: Mapping[str, Place] = {
    "pages": Place(1.2, 0, "one question each"),
    "ui": Place(1.2, 1, "components, views"),
    "cli": Place(3.6, 1, "command line"),
    "exports": Place(0, 2, "CSV, Parquet, XLSX"),
    "report": Place(2.7, 2, "a period as HTML"),
    "server": Place(4.5, 2, "ASGI, login, files"),
    "charts": Place(0.6, 3, "frame to chart"),
    "runtime": Place(4.5, 3, "this process"),
    "alerts": Place(3.2, 3, "who is told of what"),
    "analysis": Place(1.5, 4, "answers"),
    "sync": Place(2.9, 4, "API to store"),
    "demo": Place(4, 4, "made-up company"),
    "teams": Place(5, 4, "who is in which"),
    "budgets": Place(5.1, 5, "what may be spent"),
    "state": Place(6, 4, "views, notes, audit"),
    "settings": Place(6, 3, "all configuration"),
    "queries": Place(0.9, 5, "every SELECT"),
    "pricing": Place(1.9, 5, "tokens to money"),
    "store": Place(2.9, 5, "DuckDB"),
    "aibridge": Place(4, 5, "the SDK"),
    "clickhouse": Place(0.3, 6, "second engine"),
    "model": Place(1.9, 6, "nouns, pure data"),
    "access": Place(3, 6, "roles, row access"),
    "formats": Place(4, 6, "how values look"),
    "operator_files": Place(5, 6, "from operators"),
    "private_files": Place(6, 6, "whole, owner only"),
}
EVERYWHERE = ("access", "formats", "operator_files", "private_files")
"""Rooms that import nothing, and that so many import that arrows to them would say little."""
ENTRIES = ("app", "bridgeboard", "__main__")
"""Modules that only start something."""
HUES = {
    "ui": 212,
    "cli": 28,
    "report": 290,
    "server": 340,
    "runtime": 160,
    "sync": 0,
    "analysis": 262,
}

STYLE = """\
text { font: 600 15px system-ui, sans-serif; fill: #1b2430; text-anchor: middle; }
text.words { font: 12px system-ui, sans-serif; fill: #51606f; }
rect { fill: #ffffff; stroke: #7d8a98; stroke-width: 1.2; }
rect.base { fill: #eef1f4; stroke-dasharray: 4 3; }
path { fill: none; stroke: hsl(var(--hue, 210) var(--colour, 12%) 42%); stroke-width: 1.8; }
marker path { fill: context-stroke; stroke: none; }
.ground { fill: #f8f9fb; stroke: none; }
@media (prefers-color-scheme: dark) {
  text { fill: #e8edf2; }
  text.words { fill: #a9b5c1; }
  rect { fill: #1c232c; stroke: #76838f; }
  rect.base { fill: #262e38; }
  path { stroke: hsl(var(--hue, 210) var(--colour, 12%) 68%); }
  .ground { fill: #11161c; }
}"""


def picture(rooms: Mapping[str, Iterable[str]]) -> str:
    """The SVG of a table of rooms: who may import whom."""
    arrows = "\n".join(
        _arrow(room, other) for room, others in _direct(_ours(rooms)).items() for other in others
    )
    boxes = "\n".join(_box(room) for room in sorted(_ours(rooms)))
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">
<title>The rooms of Bridgeboard, and which may import which</title>
<style>
{STYLE}
</style>
<defs>
<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"
 orient="auto">
<path d="M0 0L8 4L0 8z"/>
</marker>
</defs>
<rect class="ground" width="{WIDTH}" height="{HEIGHT}"/>
{arrows}
{boxes}
{_legend()}
</svg>
"""


def _legend() -> str:
    lines = (
        "An arrow leads from a room to one that it may import. Left out are arrows that follow",
        "from others, and those to dashed rooms. The table says exactly who may import whom.",
    )
    return "\n".join(
        f'<text class="words" x="{WIDTH // 2}" y="{HEIGHT - 44 + 20 * number}">{line}</text>'
        for number, line in enumerate(lines)
    )


def _ours(rooms: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    """Room → rooms that it may import, without libraries and entries, by short names."""
    short = {room: room.removeprefix("bridgeboard.") for room in rooms}
    return {
        short[room]: {short[other] for other in others if other in short}
        for room, others in rooms.items()
        if short[room] not in ENTRIES
    }


def _direct(rooms: Mapping[str, set[str]]) -> dict[str, list[str]]:
    """Room → those that it may import, without those that one of these may import in turn."""
    reached = {room: set(_reached(room, rooms)) for room in rooms}
    return {
        room: [
            other
            for other in sorted(others - {*EVERYWHERE})
            if not any(other in reached[third] for third in others - {other})
        ]
        for room, others in sorted(rooms.items())
    }


def _reached(room: str, rooms: Mapping[str, set[str]]) -> Iterator[str]:
    for other in rooms[room]:
        yield other
        yield from _reached(other, rooms)


def _centre(room: str) -> tuple[float, float]:
    place = PLACES[room]
    return LEFT + place.column * COLUMN, TOP + place.row * ROW


def _arrow(room: str, other: str) -> str:
    (x, y), (to_x, to_y) = _centre(room), _centre(other)
    hue = f' style="--hue: {HUES[room]}; --colour: 55%"' if room in HUES else ""
    if y == to_y:
        side = BOX_WIDTH / 2 if to_x > x else -BOX_WIDTH / 2
        course = f"M{x + side:g} {y:g}L{to_x - side:g} {to_y:g}"
    else:
        # Arrows that leave or reach a room by its edge do so side by side.
        lean = max(-1, min(1, (to_x - x) / (2 * COLUMN))) * BOX_WIDTH * 0.36
        x, to_x = x + lean, to_x - lean
        y, to_y = y + BOX_HEIGHT / 2, to_y - BOX_HEIGHT / 2
        bend = (to_y - y) / 2
        course = f"M{x:g} {y:g}C{x:g} {y + bend:g} {to_x:g} {to_y - bend:g} {to_x:g} {to_y:g}"
    return f'<path{hue} marker-end="url(#head)" d="{course}"/>'


def _box(room: str) -> str:
    x, y = _centre(room)
    kind = ' class="base"' if room in EVERYWHERE else ""
    return (
        f'<rect{kind} x="{x - BOX_WIDTH / 2:g}" y="{y - BOX_HEIGHT / 2:g}" '
        f'width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="8"/>\n'
        f'<text x="{x:g}" y="{y - 3:g}">{room}</text>'
        f'<text class="words" x="{x:g}" y="{y + 15:g}">{PLACES[room].words}</text>'
    )


if __name__ == "__main__":
    from test_rooms import ROOMS

    PICTURE.write_text(picture(ROOMS), "utf-8")
