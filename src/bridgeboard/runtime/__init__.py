"""The objects of this process, made from settings: store, clients, background sync."""
