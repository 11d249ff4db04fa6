"""Running an import: the database is the queue, RQ is only the doorbell.

Lives here: the claim with lease and fence, slices, batches, calls in threads, the policy of what an answer means, the
keeper; and what people do to an import, each with its ring.
Must not be here: models of its own, or a page. A row's outcome is recorded through `imports.sending.outcomes`.
"""
