"""After an import has ended: failed rows are sent again, it is taken back, or its failures are marked as settled."""
