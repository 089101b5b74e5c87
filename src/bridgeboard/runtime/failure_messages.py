"""Messages about failures of the sync, of backups and of the mirror in the background."""

import logging
import traceback

from aibridge import AIBridgeError
from bridgeboard.alerts.recipients import RecipientsFileError
from bridgeboard.alerts.sending import AddressError
from bridgeboard.budgets import BudgetsFileError
from bridgeboard.clickhouse.errors import MirrorError
from bridgeboard.model.store import StoreError
from bridgeboard.pricing import PriceFileError
from bridgeboard.settings import SettingsError
from bridgeboard.state import StateError
from bridgeboard.teams import TeamsFileError

FORESEEN = (
    AIBridgeError,
    AddressError,
    BudgetsFileError,
    MirrorError,
    PriceFileError,
    RecipientsFileError,
    SettingsError,
    StateError,
    StoreError,
    TeamsFileError,
)
"""Errors whose messages say what to do, and quote nothing that was recorded."""

logger = logging.getLogger(__name__)


def logged(what: str, error: Exception) -> str:
    """Log a failure; what to show of it. What nobody foresaw may quote a prompt: not shown."""
    if isinstance(error, FORESEEN):
        logger.warning("%s: %s", what, error)
        return str(error)
    where = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s: %s\n%s", what, type(error).__name__, where)
    return (
        f"{what}, by a fault of this program ({type(error).__name__}). It is tried again; if it"
        " stays, report it with what the log says."
    )
