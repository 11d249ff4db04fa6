"""Connections to the platform.

Lives here: a connection's address, its encrypted credentials, its token, its pace, and whether it is ready or blocked.
Must not be here: sending rows (delivery), or what an import does when its connection is blocked.
"""
