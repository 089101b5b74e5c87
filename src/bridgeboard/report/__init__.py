"""A period as one HTML page, with the numbers of the dashboard.

``ask`` asks them all of one state of the store, ``page`` writes what was answered. The page needs
nothing but itself: no script, no request, no recorded text beyond names. The same answers always
make the same bytes.
"""

from bridgeboard.report.contents import Answers
from bridgeboard.report.page import page
from bridgeboard.report.questions import ask, strangers

__all__ = ["Answers", "ask", "page", "strangers"]
