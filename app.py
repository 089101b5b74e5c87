"""Opens the dashboard."""

from bridgeboard.ui.shell import main

main()
