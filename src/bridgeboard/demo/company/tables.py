"""What the company is made of, as it stands in the TOML files of ``data``."""

import tomllib
from importlib.resources import files
from typing import Any


def table(name: str) -> dict[str, Any]:
    """The contents of one file; its lists are tuples."""
    text = files(__package__).joinpath("data", f"{name}.toml").read_text("utf-8")
    frozen: dict[str, Any] = _frozen(tomllib.loads(text))
    return frozen


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _frozen(part) for key, part in value.items()}
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
