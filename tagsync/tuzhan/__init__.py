"""The platform's API: bodies, calls, and what an answer allows us to do. Knows no Django and no database."""
