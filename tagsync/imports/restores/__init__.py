"""After the database was restored from a backup: how that is noticed, the hold, and what a person decides of it."""
