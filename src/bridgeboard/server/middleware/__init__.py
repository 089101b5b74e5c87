"""ASGI middleware before the app, for pages, files and the websocket alike."""
