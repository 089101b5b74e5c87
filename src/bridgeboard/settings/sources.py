"""Where settings come from: environment variables, the settings file, and files that it names."""

import os
import tomllib
from pathlib import Path
from typing import Any, Final

import platformdirs
from pydantic import AliasChoices, BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, TomlConfigSettingsSource

from bridgeboard import operator_files
from bridgeboard.operator_files import UnreadableTextError


class SettingsError(ValueError):
    """A setting is wrong; the message names it and says what to do. It never holds a secret."""


SETTINGS_VARIABLE: Final = "BRIDGEBOARD_SETTINGS"


def _cwd() -> Path:
    try:
        return Path.cwd()
    except OSError:  # the folder is gone
        return Path()


_STARTED_IN: Final = _cwd()


def meant(path: str) -> Path:
    """A path as it was meant where the program was started: serving moves elsewhere."""
    return _STARTED_IN / Path(path).expanduser()


def settings_file() -> Path:
    """Where the settings file is looked for; it need not exist unless it was named."""
    named = os.environ.get(SETTINGS_VARIABLE)
    if named and not meant(named).is_file():
        raise SettingsError(f"{SETTINGS_VARIABLE} names {named}, which is not a file.")
    if named:
        return meant(named)
    return platformdirs.user_config_path("bridgeboard") / "bridgeboard.toml"


def table(path: Path) -> dict[str, Any]:
    """What a TOML file says. Raises SettingsError."""
    try:
        return tomllib.loads(operator_files.read(path))
    except UnreadableTextError as error:
        raise SettingsError(f"{path} {str(error).rstrip('.')}.") from None
    except RecursionError:
        raise SettingsError(f"{path} is not valid TOML: nested too deeply") from None
    except ValueError as error:  # also a whole number of thousands of digits
        raise SettingsError(f"{path} is not valid TOML: {error}") from None


def variables(settings: type[BaseSettings]) -> dict[str, str]:
    """Environment variable → field, of the fields that stand in no table."""
    return {
        str(field.validation_alias.choices[0]): name
        for name, field in settings.model_fields.items()
        if isinstance(field.validation_alias, AliasChoices)
    }


def tables(settings: type[BaseSettings]) -> dict[str, type[BaseModel]]:
    """Name → model of the tables whose fields have names of their own."""
    return {
        name: field.annotation
        for name, field in settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    }


def secret_names(settings: type[BaseSettings]) -> dict[str, set[str]]:
    """Table → names under which a file may hold its secrets; those of no table are under ""."""
    return {
        place: {
            str(alias)
            for name, field in model.model_fields.items()
            if field.annotation is SecretStr
            for alias in (getattr(field.validation_alias, "choices", None) or [name])
        }
        for place, model in {"": settings, **tables(settings)}.items()
    }


def table_variables(settings: type[BaseSettings]) -> dict[str, str]:
    """Environment variable → ``table.field``: ``BRIDGEBOARD_LOGIN_CLIENT_ID``, for example."""
    return {
        f"BRIDGEBOARD_{table}_{name}".upper(): f"{table}.{name}"
        for table, model in tables(settings).items()
        for name in model.model_fields
    }


class Environment(PydanticBaseSettingsSource):
    """What the environment says. A variable that is empty is one that is not set."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - the library's signature
        """Nothing: all is read at once."""
        return None, "", False

    def __call__(self) -> dict[str, Any]:
        """The variables that are set, those of a table together."""
        values: dict[str, Any] = {
            variable: os.environ[variable]
            for variable in variables(self.settings_cls)
            if os.environ.get(variable)
        }
        for variable, path in table_variables(self.settings_cls).items():
            table, _, name = path.partition(".")
            if os.environ.get(variable):
                values.setdefault(table, {})[name] = os.environ[variable]
        return values


class File(TomlConfigSettingsSource):
    """The settings file, read as all files of operators are."""

    def _read_file(self, file_path: Path) -> dict[str, Any]:  # type: ignore[override]  # only paths are given
        return table(file_path)
