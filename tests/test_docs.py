"""What is written is checked: commands, settings, links, pictures and citations."""

import ast
import re
import shlex
from pathlib import Path

import file_list
import pytest
from test_rooms import ROOMS
from typer.main import get_command
from typer.testing import CliRunner

from bridgeboard import cli, settings
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.metrics import METRICS
from bridgeboard.settings import Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMANDS = (ROOT / "docs" / "commands.md").read_text("utf-8")
SETTINGS = (ROOT / "docs" / "settings.md").read_text("utf-8")
SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", README + COMMANDS, re.DOTALL))


def command_lines() -> list[list[str]]:
    """Every call of our console script in the shell blocks of the docs, without its comment."""
    calls = re.findall(r"\.venv/bin/bridgeboard[^\n&]*", SHELL)
    return [shlex.split(call, comments=True)[1:] for call in calls]


def test_every_command_of_the_docs_exists_with_its_options() -> None:
    known = get_command(cli.app).commands
    assert command_lines()
    for name, *options in command_lines():
        assert name in known
        flags = {flag for option in known[name].params for flag in option.opts}
        assert {option for option in options if option.startswith("--")} <= flags
    listed = set(re.findall(r"^\| `bridgeboard ([\w-]+)`", COMMANDS, re.MULTILINE))
    assert listed == set(known)


@pytest.mark.parametrize("option", sorted(set(re.findall(r"`(--[\w-]+)", README + COMMANDS))))
def test_every_option_the_docs_name_exists(option: str) -> None:
    known = get_command(cli.app).commands.values()
    flags = {flag for command in known for param in command.params for flag in param.opts}
    assert option in flags | {"--help"}


def test_every_command_explains_itself() -> None:
    for name in get_command(cli.app).commands:
        assert CliRunner().invoke(cli.app, [name, "--help"]).exit_code == 0


def test_the_table_of_settings_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| ?`?(.*?)`? ?\| (.*) \|$", SETTINGS, re.MULTILINE)
    written = {variable: (name, default, meaning) for variable, name, default, meaning in rows}
    fields = Settings.model_fields
    coded = {
        variable: (name, default_of(name), fields[name].description)
        for variable, name in settings.variables().items()
    }
    assert written == coded


def default_of(name: str) -> str:
    default = Settings.model_fields[name].default
    return "" if name == "token" else str(default)


def test_the_two_command_lines_stand_where_ci_and_readers_find_them() -> None:
    demo = re.search(r"^<!-- demo -->\n```sh\n(.*)\n```$", README, re.MULTILINE)
    test = re.search(r"^<!-- test -->\n```sh\n(.*)\n```$", README, re.MULTILINE)
    assert demo
    assert test
    assert demo[1].endswith(".venv/bin/bridgeboard demo")
    assert test[1].endswith(".venv/bin/pytest -n 3 --dist loadfile")
    assert '-c constraints.txt -e ".[dev]"' in test[1]
    ci = (ROOT / ".ci" / "run").read_text("utf-8")
    assert "<!-- test -->" in ci
    assert "\"$pytest -n 4 -m 'slow and not browser' --hypothesis-profile thorough\"" in ci
    assert '"$pytest -n 2 -m browser"' in ci


def test_the_glossary_defines_every_number_and_split_as_the_pages_do() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text("utf-8")
    defined = [*METRICS.values(), *DIMENSIONS.values()]
    assert [one for one in defined if f"| {one.label} | {one.definition} |" not in glossary] == []


def test_the_list_of_files_has_the_first_sentence_of_each() -> None:
    assert file_list.LIST.read_text("utf-8") == file_list.listed(), "run python tests/file_list.py"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_local_link_and_picture_leads_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", document.read_text("utf-8"))
    missing = [target for target in targets if not (document.parent / target).exists()]
    assert missing == []


def test_every_cited_section_of_the_contract_exists() -> None:
    contract = (ROOT / "docs" / "api-contract.md").read_text("utf-8")
    headings = set(re.findall(r"^#+ (\d+(?:\.\d+)?)\b", contract, re.MULTILINE))
    sources = [*(ROOT / "src").rglob("*.py"), *DOCUMENTS]
    cited = {
        (path.name, number)
        for path in sources
        for number in re.findall(
            r"(?:api-)?contract (?:section )?(\d+(?:\.\d+)?)", path.read_text("utf-8")
        )
    }
    assert len(cited) > 40
    assert {(name, number) for name, number in cited if number not in headings} == set()


def test_the_table_of_rooms_in_the_docs_is_that_of_the_test() -> None:
    written = (ROOT / "docs" / "architecture.md").read_text("utf-8").partition("## Where")[0]
    rows = re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", written, re.MULTILINE)
    documented = {
        room: set(re.sub(r"[` ]|\(.*?\)", "", may).replace("-", "_").split(",")) - {"nothing"}
        for room, may in rows
    }
    coded = {
        room.removeprefix("bridgeboard."): {one.removeprefix("bridgeboard.") for one in may}
        for room, may in ROOMS.items()
        if room not in {"app", "bridgeboard", "bridgeboard.__main__"}
    }
    assert documented == coded


def steps() -> list[str]:
    """The numbered steps of "How do I add ...?", a file or several each."""
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    section = text.partition("## How do I add")[2].partition("\n## ")[0]
    return [
        " ".join(step.split())
        for step in re.findall(r"^\d\. (.*(?:\n   .*)*)", section, re.MULTILINE)
    ]


def test_the_docs_have_steps_to_check() -> None:
    assert len(steps()) > 20


@pytest.mark.parametrize("step", steps())
def test_every_step_of_adding_something_names_files_and_symbols_that_exist(step: str) -> None:
    files, _, what = step.partition(":")
    paths = [ROOT / name for name in re.findall(r"`([\w./-]+/[\w./-]+|[A-Z]+\.md)`", files)]
    assert paths
    assert [path for path in paths if path.stem != "NAME" and not path.exists()] == []
    text = "".join(
        path.read_text("utf-8") for path in paths if path.suffix == ".py" and path.exists()
    )
    names = re.findall(r"`(\w+)`", what)
    assert [name for name in names if not re.search(rf"\b{name}\b", text)] == []


def test_every_file_of_the_table_of_decisions_exists() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    table = text.partition("## Where is what decided?")[2].partition("\n## ")[0]
    names = re.findall(r"`([a-z_]+/[a-z_/]+)`", table)
    assert len(names) > 40
    folders = (ROOT / "src" / "bridgeboard", ROOT / "src")
    assert [n for n in names if not any((root / f"{n}.py").exists() for root in folders)] == []


def test_every_ignore_of_the_linter_says_why() -> None:
    lines = [
        (path, line)
        for folder in ("src", "pages", "tests", "examples")
        for path in (ROOT / folder).rglob("*.py")
        for line in path.read_text("utf-8").splitlines()
    ]
    bare = [
        f"{path.name}: {line.strip()}"
        for path, line in lines
        if re.search(r"#\s*(?:noqa|type: ignore)(?::\s*[A-Z0-9, ]+|\[[\w, -]+\])?\s*$", line)
    ]
    assert bare == []


def test_every_module_says_what_it_is_for() -> None:
    for path in (ROOT / "src").rglob("*.py"):
        assert ast.get_docstring(ast.parse(path.read_text("utf-8"))), path


def test_the_constraints_name_versions_and_no_places() -> None:
    for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines():
        assert re.fullmatch(r"[\w.-]+==[\w.]+( ; .+)?", line), line


def test_every_module_that_docs_and_docstrings_name_exists() -> None:
    sources = sorted((ROOT / "src").rglob("*.py"))
    names = {
        path.relative_to(ROOT / "src").with_suffix("").as_posix().removesuffix("/__init__"): set(
            re.findall(r"\w+", path.read_text("utf-8"))
        )
        for path in sources
    }
    # What was a room or a module once is looked for too: it is in sentences the longest.
    former = {"boards", "connect", "desk", "doors", "explorer", "metrics", "private", "watch"}
    modules = former | {module.rpartition("/")[2] for module in names}
    settings_tables = {"login", "proxy", "settings", "state"}

    def exists(name: str) -> bool:
        parts = re.split(r"[./]", name)
        return any(
            (module == path or module.endswith(f"/{path}"))
            and (end == len(parts) or parts[end] in words)
            for end in range(1, len(parts) + 1)
            for path in ["/".join(parts[:end])]
            for module, words in names.items()
        )

    missing = [
        f"{path.name}: {name}"
        for path in [*sources, *DOCUMENTS]
        if path.name != "CHANGELOG.md"
        for name in re.findall(r"`([a-z_]+(?:[./]\w+)+)`", path.read_text("utf-8"))
        if (first := re.split(r"[./]", name)[0]) in modules
        and first not in settings_tables
        and not (ROOT / name).exists()
        and not name.endswith((".py", ".md", ".toml", ".csv", ".json", ".jsonl", ".js"))
        and not exists(name)
    ]
    assert missing == []


def test_every_module_that_a_script_of_a_page_names_exists() -> None:
    named = {
        (path.name, name)
        for path in (ROOT / "static").glob("*.js")
        for name in re.findall(r"[\w/]+\.py\b", path.read_text("utf-8"))
    }
    assert named
    assert [one for one in named if not (ROOT / "src" / "bridgeboard" / one[1]).exists()] == []


def test_the_changelog_has_the_parts_of_keep_a_changelog_in_their_order() -> None:
    parts = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
    versions = (ROOT / "CHANGELOG.md").read_text("utf-8").split("\n## ")[1:]
    assert versions
    for version in versions:
        _, *bodies = version.split("\n### ")
        heads = [body.partition("\n")[0] for body in bodies]
        assert heads == [part for part in parts if part in heads]
        assert all("\n- " in body for body in bodies)
    assert "\n### Fixed\n" in versions[0]
