"""The page of an import from its start on; its title, its calls, and causes marked as settled."""
