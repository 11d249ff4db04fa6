"""The rows of an import, one of them opened with everything known about it."""
