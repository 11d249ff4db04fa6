"""A person's own account: signing in, her password, and where she is signed in."""
