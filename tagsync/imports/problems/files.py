"""Sentences for files that cannot be read, and for choices on the columns page."""

from __future__ import annotations

from tagsync.imports.problems.texts import Mover, Text, _

SAVE_AS = _("Open it in Excel or WPS, choose “Save as”, take the type “Excel workbook (.xlsx)”, and upload that file.")
SAVE_AGAIN = _("Open the file in Excel or WPS, save it again as .xlsx, and upload the new file.")
ASK_ADMIN = _("Try once more. If it happens again, tell an admin: the log of this installation has the details.")

TEXTS: dict[str, Text] = {
    "empty_file": Text(_("The file is empty."), _("Check that the export was complete, then upload it again.")),
    "too_large": Text(
        _("The file is too large: at most %(max_megabytes)s MB are allowed."),
        _("Split the sheet into several files, or delete sheets and pictures that are not needed."),
    ),
    "no_room": Text(
        _("The file was not saved: less than %(least_megabytes)s MB are free on the server’s disk."),
        _("Ask an admin to make room, then upload it again. What is stored already is safe."),
        Mover.ADMIN,
    ),
    "too_many_drafts": Text(
        _("You already have %(most)s imports that were never started, which is the limit for one person."),
        _("Start some of them, or delete the drafts that are not needed any more, then upload the file again."),
    ),
    "drafts_too_large": Text(
        _("With this file, your imports that were never started would take more than %(max_megabytes)s MB."),
        _("Start some of them, or delete the drafts that are not needed any more, then upload the file again."),
    ),
    "password_protected": Text(
        _("The workbook is protected by a password."), _("Remove the password in Excel, save, and upload it again.")
    ),
    "xml_2003": Text(_("This is a workbook of the Excel 2003 XML format."), SAVE_AS),
    "unknown_encoding": Text(
        _("The characters of this text file cannot be read: it is neither UTF-8 nor GB18030 nor Big5 nor UTF-16."),
        _("Open it in Excel or WPS, check that names and tags are readable, save it as .xlsx, and upload that file."),
    ),
    "encoding_undecided": Text(
        _("This text file can be read in several ways: choose the one that shows its characters correctly."),
        _("Choose the way in which names and tags read as they should."),
    ),
    "delimiter_undecided": Text(
        _("This text file can be split into cells in several ways: choose the right one."),
        _("Choose the character that separates the columns."),
    ),
    "encoding_unusable": Text(
        _("“%(encoding)s” is not an encoding that tagsync reads."),
        _("Give one of these: utf-8, gb18030, big5, utf-16-le, utf-16-be."),
    ),
    "delimiter_unusable": Text(
        _("“%(delimiter)s” cannot separate the cells of a file."),
        _("Give a single character, such as a comma or a tab, and no quotation mark."),
    ),
    "line_too_long": Text(
        _("Line %(line)s of this text file is too long: more than %(max_characters)s characters."),
        _("Check that the export was complete and that each customer is on a separate line."),
    ),
    "open_quote": Text(
        _("In row %(row)s of this text file a quotation mark is opened that is not closed where the cell ends."),
        _(
            "Correct the quotation mark, or open the file in Excel, check that no rows are missing, and "
            "save it as .xlsx."
        ),
    ),
    "html": Text(_("This is a web page with the file name of a workbook; many systems export such files."), SAVE_AS),
    "ods": Text(_("This is an OpenDocument sheet (.ods)."), SAVE_AS),
    "xlsb": Text(_("This is a binary workbook (.xlsb)."), SAVE_AS),
    "numbers": Text(
        _("This is an Apple Numbers document."), _("In Numbers, choose “Export to Excel” and upload that.")
    ),
    "image": Text(
        _("This is a picture, not an Excel workbook."), _("Choose the file with the customers: .xlsx, .xls or .csv.")
    ),
    "pdf": Text(
        _("This is a PDF, not an Excel workbook."), _("Choose the file with the customers: .xlsx, .xls or .csv.")
    ),
    "archive": Text(
        _("This is a compressed archive, not an Excel workbook."),
        _("Extract it and upload the .xlsx file that is in it."),
    ),
    "not_a_workbook": Text(
        _("This is not an Excel workbook."), _("Choose the file with the customers: .xlsx, .xls or .csv.")
    ),
    "damaged": Text(_("The file is damaged or incomplete."), SAVE_AGAIN),
    "too_many_members": Text(_("The file has more parts than any ordinary workbook."), SAVE_AGAIN),
    "unsafe_name": Text(_("The file has a part with an unsafe name and was not opened."), SAVE_AGAIN),
    "encrypted_part": Text(
        _("A part of the file is encrypted."), _("Remove the password in Excel, then upload again.")
    ),
    "unknown_compression": Text(_("The file is compressed in an unusual way."), SAVE_AGAIN),
    "inflates_too_much": Text(_("Uncompressed, the file is larger than allowed, so it was not opened."), SAVE_AGAIN),
    "entity_declaration": Text(_("The file has declarations that no spreadsheet program writes."), SAVE_AGAIN),
    "no_sheet": Text(_("There is no worksheet in the file."), _("Choose a workbook with a sheet of customers.")),
    "empty_sheet": Text(
        _("The sheet “%(sheet)s” is empty."),
        _("Choose a file or a sheet with a header row and at least one row of customers."),
    ),
    "sheet_missing": Text(_("There is no sheet “%(sheet)s” in the file."), _("Choose another sheet.")),
    "header_row_missing": Text(
        _("Row %(row)s is blank or not among the first rows of the sheet."),
        _("Give the number of the header row."),
    ),
    "hidden_rows_undecided": Text(
        _("Rows are hidden in the sheet, and nobody has chosen whether to send them."),
        _("Go back to the columns and choose whether to send the hidden rows too."),
    ),
    "too_many_rows": Text(
        _("The sheet has more than %(max_rows)s rows."),
        _("Split it into several files and upload one after the other."),
    ),
    "too_many_columns": Text(
        _("Cell %(cell)s is not empty, but only the first %(max_columns)s columns can be read."),
        _("Delete everything that far to the right, save, and upload again."),
    ),
    "cell_too_long": Text(
        _("A cell has more than %(max_characters)s characters."), _("Shorten it, save, and upload again.")
    ),
    "out_of_memory": Text(
        _("Reading the file needed more memory than allowed."), _("Split the sheet into several smaller files.")
    ),
    "took_too_long": Text(
        _("Reading the file took more than %(seconds)s seconds."), _("Split the sheet into several smaller files.")
    ),
    "readers_busy": Text(
        _("Many files are being read at this moment, and this one had to wait too long."),
        _("Nothing is lost: try again in a moment."),
    ),
    "storage_unreachable": Text(
        _("The storage for files cannot be reached at the moment."),
        _("Nothing is wrong with the file: try again in a moment. If it happens again, tell an admin."),
    ),
    "reader_killed": Text(_("Reading the file was interrupted from outside."), ASK_ADMIN, Mover.ADMIN),
    "reader_failed": Text(_("Reading the file failed because of an error in tagsync."), ASK_ADMIN, Mover.ADMIN),
    "export_failed": Text(
        _("Writing the workbook failed because of an error in tagsync."),
        _("Request it again; if it fails again, tell an admin."),
        Mover.ADMIN,
    ),
    "export_in_full": Text(
        _("This workbook shows identifiers in full, as you could see them before the start."),
        _("Request it again on the page of the import; identifiers are masked then."),
        Mover.OWNER,
    ),
    "file_gone": Text(_("The uploaded file is no longer stored."), _("Upload it again as a new import."), Mover.OWNER),
    "field_taken_twice": Text(
        _("“%(label)s” is chosen for more than one column."),
        _("Choose one column; set the others to “Will not be sent”."),
    ),
    "no_identifier_column": Text(
        _("No column says who the customer is."), _("Choose a column for customer ID, openid, unionid or phone.")
    ),
    "no_tags_column": Text(
        _("No column holds the tags."),
        _("Choose the column with the tags, or type tags for every row below the columns."),
    ),
}
