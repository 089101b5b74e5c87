"""A period as one HTML page, with the numbers of the dashboard.

``ask`` asks them all of one state of the store, ``page`` writes what was answered. The page needs
nothing but itself: no script, no request, no recorded text beyond names. The same answers always
make the same bytes.
"""

from bridgeboard.report.answers import Answers, ask, strangers
from bridgeboard.report.page import page

__all__ = ["Answers", "ask", "page", "strangers"]
