"""A client SDK for the read API of Coder's AI Bridge (AI Gateway)."""
