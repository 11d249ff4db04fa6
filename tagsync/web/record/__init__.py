"""What the pages show of an import from its start on: numbers, causes, rows, calls, events. Reads, changes nothing."""
