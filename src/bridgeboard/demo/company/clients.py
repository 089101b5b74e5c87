"""The tools the demo company codes with: how each names itself, its sessions and its own tools."""

from dataclasses import dataclass
from random import Random
from typing import Literal

from bridgeboard.demo.company.dice import uuid, word

Verb = Literal["read", "edit", "write", "run", "search", "list", "plan", "patch", "fetch", "ask"]
Naming = Literal["uuid", "workspace", "opencode", "none"]


@dataclass(frozen=True, slots=True)
class Gadget:
    """One tool a client offers its model; ``key`` is what it calls its main argument."""

    name: str
    verb: Verb
    key: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Client:
    """A coding tool. ``preamble`` is its system prompt in tokens, ``depth`` stretches its loops."""

    name: str
    agent: str
    naming: Naming
    models: tuple[tuple[str, float], ...]
    gadgets: tuple[Gadget, ...]
    preamble: int
    depth: float = 1.0


_CLAUDE_KIT = (
    Gadget("Read", "read", "file_path", 5),
    Gadget("Edit", "edit", "file_path", 4),
    Gadget("Bash", "run", "command", 5),
    Gadget("Grep", "search", "pattern", 3),
    Gadget("Glob", "list", "pattern", 1.5),
    Gadget("Write", "write", "file_path", 1),
    Gadget("TodoWrite", "plan", "todos", 1),
    Gadget("Task", "ask", "prompt", 0.4),
    Gadget("WebFetch", "fetch", "url", 0.3),
)
_CODEX_KIT = (
    Gadget("shell", "run", "command", 8),
    Gadget("apply_patch", "patch", "input", 4),
    Gadget("update_plan", "plan", "plan", 1.5),
    Gadget("view_image", "read", "path", 0.1),
)
_CURSOR_KIT = (
    Gadget("read_file", "read", "target_file", 5),
    Gadget("edit_file", "edit", "target_file", 4),
    Gadget("codebase_search", "ask", "query", 2),
    Gadget("grep", "search", "pattern", 3),
    Gadget("run_terminal_cmd", "run", "command", 3),
    Gadget("list_dir", "list", "relative_workspace_path", 1),
)
_VSCODE_KIT = (
    Gadget("read_file", "read", "filePath", 5),
    Gadget("replace_string_in_file", "edit", "filePath", 4),
    Gadget("run_in_terminal", "run", "command", 3),
    Gadget("grep_search", "search", "query", 3),
    Gadget("semantic_search", "ask", "query", 1.5),
    Gadget("list_dir", "list", "path", 1),
    Gadget("get_errors", "list", "filePaths", 1),
)
_ROO_KIT = (
    Gadget("read_file", "read", "path", 5),
    Gadget("apply_diff", "edit", "path", 4),
    Gadget("execute_command", "run", "command", 3),
    Gadget("search_files", "search", "regex", 2),
    Gadget("list_files", "list", "path", 1),
    Gadget("update_todo_list", "plan", "todos", 1),
)
_ZED_KIT = (
    Gadget("read_file", "read", "path", 5),
    Gadget("edit_file", "edit", "path", 4),
    Gadget("terminal", "run", "command", 3),
    Gadget("grep", "search", "regex", 3),
    Gadget("diagnostics", "list", "path", 1),
)
_AGENT_KIT = (
    Gadget("read_file", "read", "path", 5),
    Gadget("edit_files", "edit", "path", 4),
    Gadget("execute", "run", "command", 5),
    Gadget("write_file", "write", "path", 1),
    Gadget("spawn_agent", "ask", "prompt", 0.5),
)
_SHORT_KIT = (
    Gadget("view", "read", "file_path", 5),
    Gadget("edit", "edit", "file_path", 4),
    Gadget("bash", "run", "command", 5),
    Gadget("grep", "search", "pattern", 3),
    Gadget("ls", "list", "path", 1),
)
_OPENCODE_KIT = (
    Gadget("read", "read", "filePath", 5),
    Gadget("edit", "edit", "filePath", 4),
    Gadget("bash", "run", "command", 5),
    Gadget("grep", "search", "pattern", 3),
    Gadget("glob", "list", "pattern", 1),
    Gadget("todowrite", "plan", "todos", 1),
)
_SCRIPT_KIT = (Gadget("extract_fields", "list", "path", 1),)

_ALL = (
    Client(
        "Claude Code",
        "claude-cli/2.0.{n} (external, cli)",
        "uuid",
        (("sonnet", 6), ("opus", 2.6), ("haiku", 0.6), ("sonnet-4-5", 0.9)),
        _CLAUDE_KIT,
        14_200,
        1.3,
    ),
    Client(
        "Codex",
        "codex_cli_rs/0.{n}.0 (Mac OS 15.6; arm64) iTerm.app",
        "uuid",
        (("gpt-5-codex", 5), ("gpt-5.4", 1.6), ("sol", 0.6), ("gpt-5", 0.6)),
        _CODEX_KIT,
        6_400,
        1.3,
    ),
    Client(
        "Cursor",
        "connect-es/1.6.{n}",
        "none",
        (("azure-gpt-5", 3), ("sonnet", 3), ("gpt-4.1", 1)),
        _CURSOR_KIT,
        7_800,
        1.0,
    ),
    Client(
        "GitHub Copilot (VS Code)",
        "GitHubCopilotChat/0.{n}.1",
        "uuid",
        (("copilot-sonnet", 4), ("copilot-4.1", 3), ("copilot-mini", 2)),
        _VSCODE_KIT,
        8_900,
        0.8,
    ),
    Client(
        "GitHub Copilot (CLI)",
        "copilot/0.0.{n} (linux v22.18.0)",
        "uuid",
        (("copilot-sonnet", 4), ("copilot-mini", 2)),
        _SHORT_KIT,
        7_100,
        0.9,
    ),
    Client(
        "Zed",
        "Zed/0.{n}.4+stable (macos; aarch64)",
        "none",
        (("sonnet", 4), ("gemini-pro", 2)),
        _ZED_KIT,
        5_200,
        0.8,
    ),
    Client(
        "Kilo Code",
        "Kilo-Code/4.{n}.0",
        "uuid",
        (("router-sonnet", 3), ("router-deepseek", 2), ("gemini-flash", 1)),
        _ROO_KIT,
        9_800,
        1.0,
    ),
    Client(
        "Roo Code",
        "RooCode/3.{n}.0",
        "none",
        (("qwen", 4), ("router-sonnet", 1)),
        _ROO_KIT,
        10_400,
        1.0,
    ),
    Client(
        "Coder Agents",
        "coder-agents/v2.{n}.0",
        "uuid",
        (("sonnet", 3), ("gpt-5", 2), ("opus-4-5", 1)),
        _AGENT_KIT,
        11_000,
        1.5,
    ),
    Client(
        "Charm Crush",
        "Charm-Crush/v0.{n}.0 (https://charm.land/crush)",
        "none",
        (("o4-mini", 2), ("gpt-5-mini", 3), ("gemini-flash", 1)),
        _SHORT_KIT,
        4_700,
        0.9,
    ),
    Client(
        "Mux",
        "mux/0.{n}.0",
        "workspace",
        (("opus", 2), ("sonnet", 3)),
        _CLAUDE_KIT,
        9_300,
        1.2,
    ),
    Client(
        "OpenCode",
        "opencode/1.0.{n}",
        "opencode",
        (("qwen", 2), ("gemini-pro", 2), ("sonnet", 2)),
        _OPENCODE_KIT,
        8_100,
        1.1,
    ),
    Client(
        "Unknown",
        "python-httpx/0.28.{n}",
        "none",
        (("gpt-5-mini", 3), ("azure-4.1", 2), ("haiku", 1)),
        _SCRIPT_KIT,
        600,
        0.3,
    ),
)

CLIENTS = {client.name: client for client in _ALL}
"""Every client name of api-contract 4.11, by that name."""


def session_id(rng: Random, client: Client) -> str | None:
    """An id as this client supplies it, or None where it supplies none (api-contract 4.2)."""
    match client.naming:
        case "uuid":
            return uuid(rng)
        case "workspace":
            return word(rng, 10)
        case "opencode":
            return f"ses_{word(rng, 26)}"
        case _:
            return None
