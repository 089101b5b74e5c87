"""Bridgeboard: an analytics dashboard over Coder's AI Bridge."""
