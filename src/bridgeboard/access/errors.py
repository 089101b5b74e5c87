"""What can go wrong when somebody comes in."""


class RefusedError(Exception):
    """Somebody may not come in; the message is for them, and says whom to ask for what."""
