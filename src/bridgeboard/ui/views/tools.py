"""The page Tools: all tools, or the one that the reader picked."""

from dataclasses import replace

from bridgeboard.ui import navigation
from bridgeboard.ui.components import value_picker
from bridgeboard.ui.components.filters import Chosen


def asked(now: Chosen) -> Chosen:
    """The choices, narrowed to one tool if the reader chose one."""
    tool = value_picker.one("tool", navigation.TOOL, "Tool", "All tools", width=360)
    if not tool:
        return now
    before = now.before and now.before.only("tool", tool)
    return replace(now, scope=now.scope.only("tool", tool), before=before)
