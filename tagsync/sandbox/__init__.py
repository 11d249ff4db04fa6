"""A stand-in platform for trying and testing.

Lives here: a small threaded HTTP server that obeys the platform's contract, keeps a ledger of every request,
and has faults on demand. It is not the platform, and says so wherever a person looks.
Must not be here: Django, or anything that the real delivery depends on.
"""
