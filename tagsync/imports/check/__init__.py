"""The check: each row of the file into the database, what is suspicious about it, what people repair, and the sums."""
