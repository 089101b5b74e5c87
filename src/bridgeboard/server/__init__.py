"""The ASGI application: middleware, login, files, health."""
