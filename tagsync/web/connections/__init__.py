"""Connections, for admins."""
