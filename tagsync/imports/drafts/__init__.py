"""Before the check: drafts are made, changed, kept for a while and deleted; columns are remembered."""
