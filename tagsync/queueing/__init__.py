"""RQ, and nothing but RQ.

Lives here: the doorbell, its worker and how that is asked to leave, and whether anybody is there to work. A ring names
a record and nothing else; what is to be done stands in the database. Several installations may use one Redis: queues,
jobs and workers are named after theirs.
Must not be here: anything about imports. What a ring runs is named as a text, and found when it is run.
"""
