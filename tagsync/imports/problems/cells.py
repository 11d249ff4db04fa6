"""Sentences for rows that cannot be sent as they stand. Every problem here stops its row, never the import."""

from __future__ import annotations

from tagsync.imports.problems.texts import Mover, Text, _

TEXTS: dict[str, Text] = {
    "row_longer_than_header": Text(
        _("The row has more cells than there are columns: which cell belongs to which column is uncertain"),
        _(
            "Probably a cell holds a comma and was split in two there. Put that cell in quotation "
            "marks in the file, or fix the row on the check page. If the sheet does have another "
            "column, give it a name in the header row and upload the file again."
        ),
        brief=_("More cells than columns"),
    ),
    "no_identifier": Text(
        _("No customer ID, openid, unionid or phone in the row"),
        _("Fill in at least one of them, or delete the row."),
        brief=_("No identifier"),
    ),
    "no_tags": Text(_("No tag in the row"), _("Fill in at least one tag, or delete the row.")),
    "error_cell": Text(
        _("%(label)s: Excel shows an error such as #N/A"),
        _("Fix the formula, or replace it with its value (paste special, values)."),
        brief=_("No tag"),
    ),
    "formula_without_value": Text(
        _("%(label)s: a formula whose result is not saved in the file"),
        _("Open the file in Excel, let it calculate, save it, and upload it again."),
        brief=_("%(label)s: formula without a result"),
    ),
    "format_not_understood": Text(
        _("%(label)s: the cell shows its value in the number format “%(format)s”, which tagsync cannot reproduce"),
        _(
            "The value shown here is the stored one, which may not be what you see. Type what is to "
            "be sent into the cell as text, and upload the file again; or type the right value here."
        ),
        brief=_("%(label)s: unknown number format"),
    ),
    "cell_not_decoded": Text(
        _("%(label)s: the characters of the cell cannot be read with certainty"),
        _(
            "Part of the file is written in another encoding, or damaged. Open the file in Excel or WPS, correct the "
            "cell, save the file as .xlsx and upload that; or type the right value here."
        ),
        brief=_("%(label)s: unreadable characters"),
    ),
    "text_behind_quote": Text(
        _("%(label)s: in this row, text follows a closing quotation mark, so it is unclear where its cells end"),
        _("Write quotation marks inside a cell twice, or save the sheet as .xlsx; or type the right value here."),
        brief=_("%(label)s: text after a quotation mark"),
    ),
    "line_is_remark": Text(
        _("%(label)s: the line looks like a remark, not like a customer"),
        _("Nothing to do if it is one: it is not sent. If it is a customer, type the right value here."),
    ),
    "characters_lost": Text(
        _("%(label)s: only question marks are left of the characters"),
        _(
            "They were lost before the file was made. Export it again as UTF-8 or .xlsx from the source system; or "
            "type the right value here."
        ),
    ),
    "number_too_long": Text(
        _("%(label)s: Excel has lost the last digits of a long number"),
        _("Format the column as text before the numbers are entered, and export it again from the source system."),
        brief=_("%(label)s: last digits lost"),
    ),
    "masked_value": Text(
        _("%(label)s: the middle of the value is masked"),
        _("Type the whole value, or upload the downloaded workbook as .xlsx: tagsync then knows the masked values."),
    ),
    "date_in_identifier": Text(
        _("%(label)s: the cell holds a date"), _("Check the column; format it as text and type the value again.")
    ),
    "boolean_in_identifier": Text(_("%(label)s: the cell holds TRUE or FALSE"), _("Type the right value as text.")),
    "date_in_tags": Text(
        _("Tags: Excel has turned what was typed into a date"), _("Format the column as text and type the tag again.")
    ),
    "boolean_in_tags": Text(
        _("Tags: the cell holds TRUE or FALSE"), _("Format the column as text and type the tag again.")
    ),
    "customer_id_invalid": Text(
        _("Customer ID: not a usable value"),
        _(
            "It must be 1 to %(max_characters)s characters without spaces, and not only zeros."
            " With another identifier in the row, the cell may also be left empty."
        ),
    ),
    "placeholder_in_identifier": Text(
        _("%(label)s: “%(placeholder)s” is a placeholder, and nothing else says who the customer is"),
        _("Fill in an identifier, or leave these rows out. Beside another identifier it would be left empty."),
        brief=_("%(label)s: placeholder “%(placeholder)s”"),
    ),
    "placeholder_in_tags": Text(
        _("Tags: “%(placeholder)s” looks like a placeholder for an empty cell"),
        _("Drop it from all these rows with one click, or say that it is a tag to send."),
        brief=_("Tags: placeholder “%(placeholder)s”"),
    ),
    "openid_invalid": Text(
        _("openid: not a usable value"),
        _(
            "It must be %(min_characters)s to %(max_characters)s letters, digits, _ or -, typically 28."
            " With another identifier in the row, the cell may also be left empty."
        ),
    ),
    "unionid_invalid": Text(
        _("unionid: not a usable value"),
        _(
            "It must be %(min_characters)s to %(max_characters)s letters, digits, _ or -, typically 28."
            " With another identifier in the row, the cell may also be left empty."
        ),
    ),
    "phone_invalid": Text(
        _("Phone: not a phone number"),
        _(
            "Give 11 digits for a mainland mobile, or + and the country code for numbers from abroad."
            " With another identifier in the row, the cell may also be left empty."
        ),
    ),
    "in_wrong_column": Text(
        _("%(label)s: the value looks like another field (%(other_label)s)"),
        _("Check the columns: either the column was chosen wrongly, or the cells have shifted in the sheet."),
        brief=_("%(label)s: looks like another field"),
    ),
    "id_ends_in_zeros": Text(
        _("%(label)s: Excel has replaced the last digits of the long number with zeros"),
        _("Format the column as text before the numbers are entered, and export it again from the source system."),
        brief=_("%(label)s: last digits lost"),
    ),
    "id_too_short": Text(
        _("%(label)s: Excel has cut off zeros at the beginning (most have %(characters)s digits)"),
        _("Format the column as text before the numbers are entered, and export it again from the source system."),
        brief=_("%(label)s: leading zeros lost"),
    ),
    "control_character": Text(
        _("%(label)s: a character that cannot be shown or is damaged"), _("Type the value again.")
    ),
    "tag_too_long": Text(
        _("Tags: a tag has more than %(max_characters)s characters"), _("Shorten it, or separate the tags with commas.")
    ),
    "did_not_fail": Text(
        _("Row %(row)s did not fail in import #%(import)s"),
        _("It is left out: only rows that failed there are sent again. To send it, change its values."),
        Mover.NOBODY,
    ),
    "fixed_before": Text(
        _("Another corrected sheet has fixed row %(row)s already"),
        _("It is left out. Nothing to do."),
        Mover.NOBODY,
    ),
    "accepted_before": Text(
        _("The platform already accepted this row in import #%(import)s"),
        _("It is left out. Nothing to do."),
        Mover.NOBODY,
    ),
    "left_out_before": Text(
        _("It was left out of import #%(import)s"),
        _("It stays left out. To send it, upload it as a new import."),
        Mover.NOBODY,
    ),
    "duplicate_of": Text(
        _("Same as row %(row)s"), _("It is sent once, with row %(row)s. Nothing to do."), Mover.NOBODY
    ),
}
