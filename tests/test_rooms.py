"""Which room may import which: the table of docs/architecture.md, checked on the syntax trees."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import rooms_picture

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"

ROOMS: dict[str, set[str]] = {
    "aibridge": {"httpx", "httpx_retries", "msgspec", "pydantic"},
    "bridgeboard": set(),
    "bridgeboard.demo": {"uvicorn"},
    "bridgeboard.formats": set(),
    "bridgeboard.operator_files": set(),
    "bridgeboard.private_files": set(),
    "bridgeboard.access": set(),
    "bridgeboard.settings": {
        "keyring",
        "platformdirs",
        "pydantic",
        "pydantic_settings",
        "bridgeboard.access",
        "bridgeboard.operator_files",
    },
    "bridgeboard.budgets": {"bridgeboard.model", "bridgeboard.operator_files"},
    "bridgeboard.teams": {"bridgeboard.model", "bridgeboard.operator_files"},
    "bridgeboard.pricing": {"genai_prices", "numpy", "pandas", "bridgeboard.operator_files"},
    "bridgeboard.model": {"bridgeboard.access", "bridgeboard.formats"},
    "bridgeboard.queries": {"bridgeboard.model"},
    "bridgeboard.store": {
        "duckdb",
        "numpy",
        "pandas",
        "pyarrow",
        "bridgeboard.access",
        "bridgeboard.model",
        "bridgeboard.private_files",
    },
    "bridgeboard.clickhouse": {
        "clickhouse_connect",
        "pandas",
        "pyarrow",
        "urllib3",
        "bridgeboard.access",
        "bridgeboard.model",
        "bridgeboard.store",
    },
    "bridgeboard.sync": {
        "aibridge",
        "msgspec",
        "numpy",
        "pandas",
        "pyarrow",
        "bridgeboard.model",
        "bridgeboard.pricing",
        "bridgeboard.queries",
        "bridgeboard.store",
    },
    "bridgeboard.analysis": {
        "aibridge",
        "numpy",
        "pandas",
        "bridgeboard.access",
        "bridgeboard.formats",
        "bridgeboard.model",
        "bridgeboard.pricing",
        "bridgeboard.queries",
    },
    "bridgeboard.charts": {"altair", "pandas", "bridgeboard.formats"},
    "bridgeboard.exports": {"pyarrow", "xlsxwriter", "bridgeboard.formats"},
    "bridgeboard.report": {
        "jinja2",
        "bridgeboard.analysis",
        "bridgeboard.charts",
        "bridgeboard.formats",
        "bridgeboard.model",
    },
    "bridgeboard.state": {"sqlalchemy", "bridgeboard.private_files"},
    "bridgeboard.alerts": {
        "apprise",
        "bridgeboard.access",
        "bridgeboard.analysis",
        "bridgeboard.formats",
        "bridgeboard.model",
        "bridgeboard.operator_files",
        "bridgeboard.state",
    },
    "bridgeboard.runtime": {
        "aibridge",
        "httpx",
        "bridgeboard.access",
        "bridgeboard.alerts",
        "bridgeboard.budgets",
        "bridgeboard.clickhouse",
        "bridgeboard.demo",
        "bridgeboard.model",
        "bridgeboard.pricing",
        "bridgeboard.private_files",
        "bridgeboard.settings",
        "bridgeboard.state",
        "bridgeboard.store",
        "bridgeboard.sync",
        "bridgeboard.teams",
    },
    "bridgeboard.server": {
        "starlette",
        "streamlit",
        "uvicorn",
        "bridgeboard.access",
        "bridgeboard.model",
        "bridgeboard.runtime",
        "bridgeboard.settings",
        "bridgeboard.state",
    },
    "bridgeboard.ui": {
        "pandas",
        "streamlit",
        "bridgeboard.access",
        "bridgeboard.alerts",
        "bridgeboard.analysis",
        "bridgeboard.budgets",
        "bridgeboard.charts",
        "bridgeboard.exports",
        "bridgeboard.formats",
        "bridgeboard.model",
        "bridgeboard.queries",
        "bridgeboard.runtime",
        "bridgeboard.server",
        "bridgeboard.settings",
        "bridgeboard.state",
    },
    "bridgeboard.cli": {
        "aibridge",
        "rich",
        "typer",
        "bridgeboard.alerts",
        "bridgeboard.analysis",
        "bridgeboard.budgets",
        "bridgeboard.clickhouse",
        "bridgeboard.demo",
        "bridgeboard.formats",
        "bridgeboard.model",
        "bridgeboard.pricing",
        "bridgeboard.private_files",
        "bridgeboard.report",
        "bridgeboard.runtime",
        "bridgeboard.server",
        "bridgeboard.settings",
        "bridgeboard.state",
        "bridgeboard.store",
        "bridgeboard.sync",
        "bridgeboard.teams",
    },
    "bridgeboard.__main__": {"bridgeboard.cli"},
    "pages": {"streamlit", "bridgeboard.model", "bridgeboard.ui"},
    "app": {"bridgeboard.ui"},
}
OURS = ("aibridge", "bridgeboard")
RUN = {"ask", "frame", "named", "rows", "table"}
"""Methods that run a statement."""
CLOCKED = {"bridgeboard.cli", "bridgeboard.runtime", "bridgeboard.server", "bridgeboard.ui"}


def files() -> list[tuple[str, Path]]:
    """(room, file) of everything that ships."""
    found = [(room_of(path), path) for path in sorted(SOURCE.rglob("*.py"))]
    found += [("pages", path) for path in sorted((ROOT / "pages").glob("*.py"))]
    return [*found, ("app", ROOT / "app.py")]


def room_of(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    if parts[0] == "aibridge" or parts[:2] == ("bridgeboard", "__init__"):
        return parts[0]
    return ".".join(parts[:2])


def imports(path: Path) -> Iterator[str]:
    """Every imported module, with the imported name where that may be a module of ours."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            module = node.module or ""
            yield from (
                f"{module}.{alias.name}" if module in OURS else module for alias in node.names
            )


def target(module: str) -> str | None:
    """The room or library that an imported module belongs to; None for the standard library."""
    top = module.split(".", maxsplit=1)[0]
    if top in sys.stdlib_module_names:
        return None
    if top == "bridgeboard":
        return ".".join(module.split(".")[:2])
    return top


def test_a_room_imports_only_what_its_row_allows() -> None:
    assert {room for room, _ in files()} <= set(ROOMS), "a room that the table does not know"
    arrows = {
        (str(path.relative_to(ROOT)), imported)
        for room, path in files()
        for imported in {target(module) for module in imports(path)} - ROOMS[room] - {None, room}
    }
    assert arrows == set()


def test_every_row_of_the_table_is_a_room_that_exists_and_imports_all_of_it() -> None:
    used: dict[str, set[str | None]] = {}
    for room, path in files():
        used.setdefault(room, set()).update(map(target, imports(path)))
    assert set(ROOMS) == set(used)
    assert {(room, name) for room, may in ROOMS.items() for name in may - used[room]} == set()


def test_no_private_name_crosses_a_room() -> None:
    for room, path in files():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and target(node.module or "") not in {None, room}:
                private = [alias.name for alias in node.names if alias.name.startswith("_")]
                assert not private, f"{path} imports {private} from {node.module}"


def statements(source: str) -> list[str]:
    """What a module imports from ``queries`` besides plain data, and how it runs statements."""
    found, imported = [], set[str]()
    # Imports stand at the head of a module, so the walk meets them before any call.
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            of = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            imported |= {alias.asname or alias.name for alias in node.names}
            found += [
                of + name
                for name in (alias.name for alias in node.names)
                if target(of + name) == "bridgeboard.queries"
                and (name == "Query" or not name[0].isupper())
            ]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            asked = ast.unparse(node.func.value)
            if node.func.attr in RUN and asked not in imported:
                found.append(f"{asked}.{node.func.attr}")
    return found


def test_the_interface_has_its_numbers_from_analysis_and_makes_no_statement() -> None:
    made = {
        path: found
        for room, path in files()
        if room == "bridgeboard.ui" and (found := statements(path.read_text("utf-8")))
    }
    assert made == {}


@pytest.mark.parametrize(
    "source",
    [
        "import bridgeboard.queries.request_list",
        "from bridgeboard import queries",
        "from bridgeboard.queries import request_list",
        "from bridgeboard.queries.request_list import PAGE, detail",
        "from bridgeboard.queries.metric_query import Query as Data",
        "from bridgeboard.ui import runner\nrunner.current().ask(question)",
        "runner.current().read(lambda reader: reader.rows(SQL))",
    ],
)
def test_a_statement_in_a_page_is_seen(source: str) -> None:
    assert statements(source)


def test_a_page_is_a_question_without_a_def() -> None:
    for room, path in files():
        if room == "pages":
            tree = ast.parse(path.read_text("utf-8"))
            assert (ast.get_docstring(tree) or "").endswith("?"), f"{path} asks nothing"
            assert not [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
            assert len(path.read_text("utf-8").splitlines()) <= 60


def test_notices_and_numbers_of_pages_are_drawn_by_one_component_each() -> None:
    components = dict.fromkeys(("error", "info", "success", "warning"), "notices.py")
    components["pagination"] = "pager.py"
    drawn = {
        (node.attr, path.name)
        for room, path in files()
        if room in {"app", "pages", "bridgeboard.ui"}
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in components
        if ast.unparse(node.value) not in {"log", "notices"}  # loggers, and who asks for a notice
    }
    assert drawn == set(components.items())


def test_only_settings_reads_the_environment() -> None:
    for room, path in files():
        source = path.read_text("utf-8")
        if room != "bridgeboard.settings":
            assert not re.search(r"\b(environ|environb|getenv)\b", source), path


def test_only_a_few_rooms_know_the_time() -> None:
    clocks = ("datetime.now(", "date.today(", "time.time(")
    for room, path in files():
        source = path.read_text("utf-8")
        assert room in CLOCKED or not any(clock in source for clock in clocks), path


def test_no_file_outgrows_its_room() -> None:
    for _, path in files():
        assert len(path.read_text("utf-8").splitlines()) <= 400, path


def test_the_picture_of_the_rooms_is_drawn_from_the_table() -> None:
    drawn = rooms_picture.picture(ROOMS)
    assert rooms_picture.PICTURE.read_text("utf-8") == drawn, "run python tests/rooms_picture.py"
    extra = ROOMS | {"bridgeboard.charts": {*ROOMS["bridgeboard.charts"], "bridgeboard.pricing"}}
    assert rooms_picture.picture(extra) != drawn


IMPORTED = """
import ast, importlib, sys

for page in sys.argv[1:]:
    for node in ast.walk(ast.parse(open(page, encoding="utf-8").read())):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                try:
                    importlib.import_module(f"{node.module}.{alias.name}")
                except ModuleNotFoundError:
                    importlib.import_module(node.module)
print(*(name for name in sys.modules if name.split(".")[0] in ("aibridge", "bridgeboard")))
"""


def imported(*pages: Path) -> list[str]:
    """The modules of ours that a fresh process has after what these pages import."""
    command = [sys.executable, "-c", IMPORTED, *map(str, pages)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()  # noqa: S603  # our own


def test_no_page_brings_in_the_store_a_sync_or_the_demo() -> None:
    rooms = {target(name) for name in imported(*sorted((ROOT / "pages").glob("*.py")))}
    apart = {"demo", "pricing", "store", "sync", "teams"}
    assert "bridgeboard.ui" in rooms
    # What is unpriced and who bills is worked out by the price book, for Trust and Settings alone.
    assert rooms & {f"bridgeboard.{room}" for room in apart} <= {"bridgeboard.pricing"}


def test_a_page_brings_in_less_than_two_fifths_of_what_ships() -> None:
    modules = imported(ROOT / "pages" / "spend.py")
    ships = len(list((SOURCE / "bridgeboard").rglob("*.py")))
    assert "bridgeboard.ui.components.trend" in modules
    assert not [name for name in modules if name.startswith("bridgeboard.pricing")]
    assert "aibridge" not in modules
    assert len(modules) < 2 * ships / 5
