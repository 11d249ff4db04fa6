"""Sentences for what happens while sending: rows, imports that are blocked or wait, connections that are blocked."""

from __future__ import annotations

from tagsync.imports.problems.texts import Mover, Text, _

TEST_THEN_GO_ON = _(
    "Then press “Mark as repaired” at the connection. Nothing is lost; the imports continue automatically."
)

ROWS: dict[str, Text] = {
    "refused": Text(
        _("The platform rejected this row: %(message)s"),
        _("An admin can retry them when the cause is fixed. If a value is wrong, correct it in the sheet."),
        Mover.ADMIN,
        _("Platform rejected: %(message)s"),
    ),
    "not_isolated": Text(
        _("The platform refused the batch with this row: %(message)s"),
        _("Too many rows were rejected to try each one alone: some of these may be right. An admin can retry them."),
        Mover.ADMIN,
        _("Refused with its batch: %(message)s"),
    ),
    "row_too_large": Text(
        _("The platform says that even this single row is too large"),
        _("Shorten its tags and import it again."),
        brief=_("Row too large"),
    ),
    "no_answer": Text(
        _("Sent, but no readable answer came"),
        _("The platform may or may not have taken these rows. An admin can retry them: for tags that is harmless."),
        Mover.ADMIN,
        _("In doubt: no readable answer"),
    ),
    "sent_after_backup": Text(
        _("May have been sent after the backup from which this database was restored"),
        _("The platform may or may not have taken these rows. An admin can retry them: for tags that is harmless."),
        Mover.ADMIN,
        _("In doubt since the restore"),
    ),
    "superseded": Text(
        _("A newer import (#%(import)s) did the opposite for these customers"),
        _("They were set aside, so that nothing newer is undone. An admin can send them anyway."),
        Mover.NOBODY,
    ),
    "superseded_by": Text(
        _("Superseded by import #%(import)s, row %(row)s"),
        _("It was set aside, so that nothing newer is undone. An admin can send it anyway."),
        Mover.NOBODY,
    ),
    # why nothing more of an import is sent
    "started_again": Text(
        _("Rows of this import that the platform has not accepted now belong to import #%(import)s"),
        _("Continue there: it was started with the same file, and nothing more is sent from here."),
        Mover.NOBODY,
    ),
    # beside what the state of a row says: a call of it had an unknown fate
    "earlier_call_unanswered": Text(
        _("An earlier call of %(time)s got no answer: the row may have been applied"),
        _("Check on the platform whether the customer has the tags."),
    ),
    # beside "accepted": the call with the row was a success by its code, and said more
    "accepted_with_remarks": Text(
        _("Accepted with remarks"),
        _("The platform did not reject the row, but its answer mentions failures. Check whether the tags are there."),
    ),
    "worker_died": Text(
        _("The worker ended three times while sending these rows"),
        _("The platform may or may not have taken these rows. Tell whoever runs this installation; the rest was sent."),
        Mover.ADMIN,
        _("In doubt: the worker ended"),
    ),
}

JOBS: dict[str, Text] = {
    "refuses_everything": Text(
        _("The platform rejects every row in the same way"),
        _("Check columns and settings before more is sent."),
        Mover.OWNER,
    ),
    "too_large_alone": Text(
        _("The platform finds even single rows too large"),
        _(
            "Something between here and the platform may be refusing every call: tell an admin. The "
            "rows wait. Resume when that is fixed, or stop and shorten the tags of these rows."
        ),
        Mover.OWNER,
    ),
    "trial_done": Text(
        _("The first rows were sent as a trial"),
        _("Look at these customers on the platform. Then continue with the rest, or stop."),
        Mover.OWNER,
    ),
    "no_answer_for_a_day": Text(
        _("The platform has not answered for 24 hours"), _("When it answers again, press “Resume”."), Mover.PLATFORM
    ),
}

WAITS: dict[str, Text] = {
    "wait_unanswered": Text(
        _("Waiting for the platform: it does not answer"), _("tagsync tries again automatically."), Mover.PLATFORM
    ),
    "wait_not_reached": Text(
        _("Waiting for the platform: it cannot be reached"), _("tagsync tries again automatically."), Mover.PLATFORM
    ),
    "wait_throttled": Text(
        _("Waiting: the platform asked tagsync to slow down"), _("It continues automatically."), Mover.PLATFORM
    ),
    "wait_pace": Text(
        _("Waiting for its turn: the connection limits the number of calls"),
        _("It continues automatically."),
        Mover.NOBODY,
    ),
    "wait_token": Text(
        _("Waiting for an access token: the platform does not answer"),
        _("tagsync tries again automatically."),
        Mover.PLATFORM,
    ),
    "wait_line": Text(
        _("Waiting for its turn: another import on the connection goes first"),
        _("It continues automatically."),
        Mover.NOBODY,
    ),
    "wait_restored": Text(
        _("Nothing is sent: this database was restored from a backup"),
        _("It continues when an admin has confirmed what may have been sent since."),
        Mover.ADMIN,
    ),
    "wait_nobody": Text(
        _("Waiting for a worker: none can be reached"),
        _("It continues automatically as soon as a worker is available. Tell an admin if this lasts."),
        Mover.ADMIN,
    ),
    "wait_turn": Text(_("Waiting for its turn"), _("It continues automatically."), Mover.NOBODY),
}

CONNECTIONS: dict[str, Text] = {
    "connection_works": Text(
        _("The connection works: address, path and token are right"), _("Nothing to do."), Mover.NOBODY
    ),
    "connection_token_rejected": Text(
        _("The platform does not accept the access token"),
        _(
            "A pasted token is valid for two hours. Enter a new token at the connection or, better, an "
            "app id and secret."
        ),
        Mover.ADMIN,
    ),
    "connection_fetched_token_rejected": Text(
        _("The platform does not accept the access token"),
        _(
            "tagsync fetched it with the app id and secret. Check on the platform that the app is authorised for this "
            "tenant, and at the connection that address, app id and secret belong together."
        ),
        Mover.ADMIN,
    ),
    "connection_archived": Text(
        _("The connection “%(name)s” is archived: nothing is sent through it"),
        _("An admin can unarchive it. After that this import can be resumed, and failed rows retried."),
        Mover.ADMIN,
    ),
    "connection_archived_before": Text(
        _("The connection “%(name)s” is archived: nothing is sent through it"),
        _("Choose another connection, or ask an admin to unarchive this one."),
    ),
    "connection_no_credentials": Text(
        _("The connection has no token and no app id with secret"), _("Enter them at the connection."), Mover.ADMIN
    ),
    "connection_credentials_unreadable": Text(
        _("The stored credentials cannot be decrypted with the keys of this installation"),
        _("Enter them again at the connection, or restore TAGSYNC_CREDENTIAL_KEYS."),
        Mover.ADMIN,
    ),
    "connection_forbidden": Text(
        _("The platform forbids the call"),
        _("Give the app the permission “用户 > 用户标签” and allow this server's address on the platform."),
        Mover.ADMIN,
    ),
    "connection_wrong_address": Text(
        _("The platform does not know this address"), _("Check address and path of the connection."), Mover.ADMIN
    ),
    "connection_redirected": Text(
        _("The address answers with a redirect, which is never followed"),
        _("Enter the address it redirects to, if you trust it."),
        Mover.ADMIN,
    ),
    "connection_certificate": Text(
        _("The certificate of the address cannot be trusted"),
        _("Check the address; if it is right, its operator must renew the certificate."),
        Mover.ADMIN,
    ),
    "connection_app_id_or_secret": Text(
        _("The platform does not accept the app id or secret"), _("Enter both again at the connection."), Mover.ADMIN
    ),
    "connection_authorisation_code": Text(
        _("The platform says that the authorisation is wrong"),
        _("Authorise the app again on the platform."),
        Mover.ADMIN,
    ),
    "connection_token_refused": Text(
        _("The platform refused to give an access token"), _("Check app id, secret and token path."), Mover.ADMIN
    ),
    "connection_address_not_allowed": Text(
        _("This installation may not call the address of the connection"),
        _("Ask whoever runs it to add the host to TAGSYNC_ALLOWED_API_HOSTS."),
        Mover.ADMIN,
    ),
}
# What is said otherwise of a connection that fetches its tokens by itself.
BY_APP = {"connection_token_rejected": "connection_fetched_token_rejected"}
TEXTS: dict[str, Text] = {**ROWS, **JOBS, **WAITS, **CONNECTIONS}
