"""Step 2: which column is which field, the settings, and the exact request that they make."""
