"""The handles of this process: settings to client and store, and the sync beside the dashboard."""
