"""Where a process is struck: every step of claim, send, record, split, renew, retry, stop and check, by dotted name.

A new step is a line here. The name is that of the place where it is looked up: `from x import f` makes a second one.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """`holding`: only calls that have this among their arguments count."""

    where: str
    when: str = "before"
    holding: str = ""


_CLAIM = "tagsync.delivery.runner.claim_import"
_BEGIN = "tagsync.imports.sending.outcomes.begin_call"
_CALL = "tagsync.delivery.sender.call"
_WRITE = "tagsync.imports.sending.outcomes._write_down"
_RECORD = "tagsync.imports.sending.outcomes.record"
_SHIFT = "tagsync.imports.sending.counts.shift"
_HALVE = "tagsync.imports.sending.bisection.halve"
_PIECE = "tagsync.imports.sending.outcomes._begin_planned"
_MOVE = "tagsync.imports.models.ImportJob.move"
_DOUBT = "tagsync.imports.sending.outcomes.doubt_unanswered"
_COMMIT = "tagsync.imports.check.staging._commit"

STEPS = {
    # claim
    "before the claim": Step(_CLAIM),
    "inside the claim": Step(_MOVE, "after", "claim"),
    "after the claim": Step(_CLAIM, "after"),
    # send
    "before a call is written down": Step(_BEGIN),
    "inside the writing down": Step(_WRITE, "after"),
    "before the send": Step(_CALL),
    "between check and send": Step("tagsync.tuzhan.client.Client.send"),
    "after the send": Step(_CALL, "after"),
    # record
    "before the record": Step(_RECORD),
    "inside the record": Step(_SHIFT, "after"),
    "after the record": Step(_RECORD, "after"),
    # renew
    "after the renewal": Step(_WRITE),
    # split
    "before the split": Step(_HALVE),
    "inside the split": Step(_HALVE, "after"),
    "before a piece": Step(_PIECE),
    "inside a piece": Step(_PIECE, "after"),
    # the end of a slice
    "before the import is given back": Step(_MOVE, "before", "pause"),
    "after the import is given back": Step(_MOVE, "after", "pause"),
    "before the finish": Step("tagsync.delivery.finish._rest"),
    "after the finish": Step(_MOVE, "after", "finish"),
    # stop
    "before open calls are in doubt": Step(_DOUBT),
    "inside the stopping": Step(_DOUBT, "after"),
    "after the stopping": Step(_MOVE, "after", "stopped"),
    # superseded rows, dead batches, the sign of life
    "before superseding": Step("tagsync.imports.sending.superseded.mark"),
    "inside superseding": Step("tagsync.imports.sending.superseded._settle"),
    "before dead batches": Step("tagsync.imports.sending.outcomes.settle_dead_batches"),
    "before the sign of life": Step("tagsync.delivery.sender.Sender._probe"),
    "before the sign of life is recorded": Step("tagsync.imports.sending.outcomes.record_sign_of_life"),
    "before a batch is in doubt": Step("tagsync.imports.sending.outcomes.settle_as_in_doubt"),
    "before the token call": Step("tagsync.connections.tokens._fetch"),
    "before the token is kept": Step("tagsync.connections.tokens.keep"),
    # check
    "before rows are dropped": Step("tagsync.imports.check.staging.drop_rows"),
    "before rows are staged": Step(_COMMIT),
    "after rows are staged": Step(_COMMIT, "after"),
    "before the check ends": Step(_MOVE, "before", "checked"),
    "after the check ends": Step(_MOVE, "after", "checked"),
    "before the check is claimed": Step("tagsync.delivery.tasks.claim_check"),
    "after the check is claimed": Step("tagsync.delivery.tasks.claim_check", "after"),
    "inside a commit of the check": Step("tagsync.imports.check.staging._insert", "after"),
    "inside a COPY": Step("psycopg.Copy.write_row"),
    "before the second look": Step("tagsync.imports.check.staging.look_again"),
    "before the sums": Step("tagsync.imports.check.staging._finish"),
    "before repairs are made again": Step("tagsync.imports.check.repairs.make_again"),
    "before the last look of the check": Step("tagsync.delivery.tasks.end_check"),
    # what a person asked for
    "before the start": Step(_MOVE, "before", "start"),
    "inside the start": Step(_MOVE, "after", "start"),
    "inside the retry, rows": Step(_SHIFT, "after"),
    "inside the retry, move": Step(_MOVE, "after", "retry"),
    "inside the resume": Step(_MOVE, "after", "resume"),
    "inside the discard": Step(_MOVE, "after", "discard"),
    "before a piece of the discard": Step("tagsync.imports.drafts.deletion.go_on_discarding"),
    "inside a piece of the discard": Step("tagsync.imports.drafts.deletion.delete_piece", "after"),
    "before the discarded import is deleted": Step("tagsync.imports.drafts.deletion._delete_last"),
}

# What may strike a sender of random mixes. The others need a person; and who sleeps between check and send, sends too
# late: test_pause knows.
SENDING = tuple(
    name
    for name in STEPS
    if not name.startswith(
        (
            "before the start",
            "inside the start",
            "inside the retry",
            "inside the resume",
            "between",
            "inside the discard",
        )
    )
)
