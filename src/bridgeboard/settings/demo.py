"""The settings of a demo: the operator's, pointed at the demo server."""

from datetime import datetime
from typing import ClassVar, Self

from pydantic import PrivateAttr, SecretStr

from bridgeboard.settings.in_force import Settings


class DemoSettings(Settings):
    """Settings that point at the demo company's server instead of a deployment."""

    demo: ClassVar[bool] = True
    _stands_at: datetime | None = PrivateAttr(None)

    @classmethod
    def of(
        cls, settings: Settings, url: str, token: str, stands_at: datetime | None = None
    ) -> Self:
        """The same, but for the deployment, its token and its state; its text is nobody's."""
        mine = {
            "url": url,
            "token": SecretStr(token),
            "search_text": True,
            "state_url": SecretStr(""),
            "replica_folder": "",
            "store": "",
        }
        changed = {name for name, value in mine.items() if value != getattr(settings, name)}
        known = settings.model_fields_set | changed
        settings_of_demo = cls.model_construct(_fields_set=known, **{**dict(settings), **mine})
        settings_of_demo._given = settings.given  # noqa: SLF001 - our own
        settings_of_demo._stands_at = stands_at  # noqa: SLF001 - our own
        return settings_of_demo

    @property
    def stands_at(self) -> datetime | None:
        """The moment at which the company stands still; None where it lives on."""
        return self._stands_at
