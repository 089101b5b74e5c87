"""The demo company and the AI Bridge server it is served from."""
