"""The one-machine installation: `manage.py up`.

Lives here: the embedded Redis, the processes and their supervision, the first admin, the sample workbook.
Must not be here: anything that a production installation needs.
"""
