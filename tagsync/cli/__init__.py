"""Imports from the command line.

Lives here: `import_sheet` and `retry_import`, and what they print. They go the same way as the pages do.
Must not be here: what an import is, and how it is sent.
"""
