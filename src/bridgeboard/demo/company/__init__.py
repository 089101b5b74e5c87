"""The synthetic company behind the demo: who works there, on what, with which tools, and how."""
