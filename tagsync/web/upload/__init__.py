"""Step 1: a file becomes a draft, or a sentence says why not."""
