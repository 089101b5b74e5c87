"""Where the files of the app are: its script, its pages and its static files."""

from functools import cache
from pathlib import Path


@cache
def home() -> Path:
    """The folder of ``app.py``: inside the wheel, or the checkout's root."""
    packed = Path(__file__).parents[1] / "_app"
    return packed if packed.is_dir() else Path(__file__).parents[3]


def pages() -> frozenset[str]:
    """The pages by their names in addresses; the start page needs none."""
    return frozenset(path.stem for path in (home() / "pages").glob("*.py"))
