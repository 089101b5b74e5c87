"""Where the settings file is."""

import os
from pathlib import Path
from typing import Final

import platformdirs

from bridgeboard.settings.errors import SettingsError

SETTINGS_VARIABLE: Final = "BRIDGEBOARD_SETTINGS"


def settings_file() -> Path:
    """Where the settings file is looked for; it need not exist unless it was named."""
    told = os.environ.get(SETTINGS_VARIABLE)
    if told and not Path(told).is_file():
        raise SettingsError(f"{SETTINGS_VARIABLE} names {told}, which is not a file.")
    if told:
        return Path(told)
    return platformdirs.user_config_path("bridgeboard") / "bridgeboard.toml"
