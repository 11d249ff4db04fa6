"""Workbooks in and out.

Lives here: what a file is and whether it is safe to open (guard), its sheets and rows with Excel's own
row numbers (reader, in a limited child process), the closed set of cell kinds (cells), what number formats show
(number_formats), encodings and delimiters of text files (text), what a file leaves open (reading), names from
outside (names), writing (writer).
Must not be here: Django, HTTP, and any idea of what a column means; that is `mapping`.
"""
