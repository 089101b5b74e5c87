"""Commands that are run in this process, and what they answer."""

import json
from typing import Any

from typer.testing import CliRunner, Result

from bridgeboard import cli


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(cli.app, list(arguments), env=environment)


def answered(*arguments: str, **environment: str) -> Any:
    """What a command that goes well says with ``--json``."""
    said = run(*arguments, "--json", **environment)
    assert said.exit_code == 0, said.output
    return json.loads(said.stdout)
