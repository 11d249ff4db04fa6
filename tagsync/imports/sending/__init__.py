"""While an import is sent: its calls, what became of their rows, and what of them nobody knows."""
