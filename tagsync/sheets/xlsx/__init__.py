"""Workbooks of Excel 2007 and newer: the package, its parts, and the rows of one sheet, streamed."""
