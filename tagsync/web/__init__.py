"""The pages.

Lives here: forms, views, template tags. A view gets its object through one access function, validates one form,
calls one method of a room below, and redirects or renders.
Must not be here: a rule. What may happen stands in the rooms below.
"""
