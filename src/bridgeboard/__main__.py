"""``python -m bridgeboard`` is the console script."""

from bridgeboard.cli import main

main()
