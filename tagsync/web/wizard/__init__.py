"""What the pages before the start show: a column with its decision, the first request, the result of the check.

Plain functions from records to what a template draws. Must not be here: requests, redirects, changes of anything.
"""
