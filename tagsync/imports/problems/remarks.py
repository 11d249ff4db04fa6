"""Sentences for what the check noticed and did, and what stops no row: warnings, and changes that cleaning made."""

from __future__ import annotations

from tagsync.imports.problems.texts import Mover, Text, _

TEXTS: dict[str, Text] = {
    "customer_repeated": Text(
        _("The same customer is in several rows (same %(label)s)"),
        _("All of them are sent, never two of one customer in one call. Nothing to do if that is intended."),
        Mover.NOBODY,
    ),
    "identifiers_conflict": Text(
        _("The same %(label)s is next to different values of %(other_label)s"),
        _("A customer usually has one of each. Check whether cells have shifted: tags may reach the wrong customer."),
    ),
    "openid_is_unionid": Text(
        _("openid and unionid are the same"),
        _("They are two different identifiers of a customer: probably one column holds the values of the other."),
    ),
    "unnamed_column": Text(
        _("Column %(column)s has no name but holds values, and is not sent"),
        _("If they are to be sent, go back to the columns, or give the column a name and upload the file again."),
    ),
    "customer_above": Text(
        _("The header row, or a row above it, looks like a customer: it is not sent"),
        _("If it is one, go back to the columns and choose another header row, or “There is no header row”."),
    ),
    "id_may_end_in_zeros": Text(
        _("%(label)s: a few long numbers end in zeros"),
        _(
            "That may be chance. Compare one with the source system: Excel turns the last digits of long "
            "numbers into zeros."
        ),
    ),
}

# what cleaning did, by `mapping.cleaning.CHANGES`; it stands beside the number of cells
CHANGES = {
    "invisible_removed": _("%(label)s: invisible characters removed"),
    "made_narrow": _("%(label)s: full-width letters and digits made half-width"),
    "apostrophe_removed": _("%(label)s: apostrophes or backticks around the value removed"),
    "quotes_removed": _("%(label)s: quotation marks around the value removed"),
    "formula_unwrapped": _('%(label)s: the formula ="…" replaced by its text'),
    "decimals_removed": _("%(label)s: “.0” after whole numbers removed"),
    "placeholder_emptied": _("%(label)s: placeholders such as “NULL” or “-” left empty, beside another identifier"),
    "spaces_removed": _("%(label)s: spaces removed"),
    "punctuation_removed": _("%(label)s: dashes and brackets removed"),
    "country_code_removed": _("%(label)s: +86 removed"),
    "format_removed": _("%(label)s: thousands separators or “.00” of the number format left out"),
    "number_expanded": _("%(label)s: scientific notation written out"),
    "separators_replaced": _("%(label)s: separators replaced by commas"),
    "repeats_removed": _("%(label)s: repeated tags removed"),
}
