"""From columns to fields to clean values.

Lives here: each target field as an object (fields), which column is probably which field (matching),
and a row's values or all of its problems (rows).
Must not be here: Django, HTTP, any workbook library, or a sentence for a person: problems are codes with parameters.
"""
