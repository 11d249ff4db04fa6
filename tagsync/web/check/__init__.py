"""Step 3: the result of the check, repairs in place, and the button that starts the import."""
