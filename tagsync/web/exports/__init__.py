"""Workbooks to take away."""
