"""Workbooks to take away.

Lives here: the record of an export, how it is asked for, written under a lease, fetched by one person and deleted in
time; and the workbook itself, the sheet's own columns with what became of each row behind them.
Must not be here: pages, and what rows mean; sentences come from `imports.problems`.
"""
