"""The platform's API.

Lives here: request bodies and answers as typed values (messages), the token call and the batch call (client),
and what the caller may do after an answer (errors).
Must not be here: Django, a database, or a decision about an import.
"""
