"""Every question as one SELECT with its parameters; nothing is executed here."""
