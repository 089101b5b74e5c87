"""The list of files in docs/files.md, made of the first sentence of each file.

``python tests/file_list.py`` writes it anew.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIST = ROOT / "docs" / "files.md"
HEAD = """\
# What each file holds

The first sentence of each file, written by `python tests/file_list.py`. How the rooms belong
together, and where what is decided, is in [architecture.md](architecture.md).
"""


def listed() -> str:
    """The whole document: a heading per folder, a line per file."""
    return HEAD + "".join(_lines())


def _lines() -> Iterator[str]:
    folder = None
    for path in _files():
        if path.parent != folder:
            folder = path.parent
            yield f"\n## {folder.relative_to(ROOT).as_posix()}\n\n"
        yield f"* `{path.name}`: {_sentence(path)}\n"


def _files() -> Iterator[Path]:
    for folder in (ROOT / "pages", ROOT / "src", ROOT / "static"):
        for path in sorted(folder.rglob("*"), key=lambda path: (path.parent, path.name)):
            if path.suffix in {".py", ".js", ".sql"} and _text(path).strip():
                yield path


def _sentence(path: Path) -> str:
    text = _text(path)
    if path.suffix == ".py":
        said = (ast.get_docstring(ast.parse(text)) or "").split("\n\n")[0]
    else:
        said = " ".join(re.findall(r"\A(?:(?://|--) ?.*\n)+", text)).replace("\n", " ")
        said = re.sub(r"(?:^|\s)(?://|--)\s?", " ", said)
    said = " ".join(said.split())
    return re.split(r"(?<=[.?!]) (?=[A-Z])", said)[0]


def _text(path: Path) -> str:
    return path.read_text("utf-8")


if __name__ == "__main__":
    LIST.write_text(listed(), "utf-8")
