"""Tells people what needs their attention, each thing once: by chat, e-mail, webhook or pager."""
