"""What people are told.

Lives here: notices of imports and connections, each written once inside the transaction of what it tells; how they
read, which ones a person has seen, and how they are mailed.
Must not be here: pages. The rooms below do not know this one; it listens to their signals.
"""
