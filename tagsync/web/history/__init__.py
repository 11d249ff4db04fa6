"""The list of imports, what is looked for in it, and what is done with several at once."""
