"""Is this installation well?

Lives here: what each process says of itself, and the facts of operation, computed in one place; `doctor`, `check`,
`/readyz`, the metrics and the page for admins tell them.
Must not be here: pages, and repairs; only the processes' own records are written.
"""
