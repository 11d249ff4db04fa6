"""People, roles, access.

Lives here: the user model, the two roles and their permissions, and how people are added and disabled.
Must not be here: anything about imports or connections; those rooms ask this one, never the other way round.
"""
