"""Why a file could not be read, as a code with parameters; the sentences for people are written elsewhere."""

CODES: dict[str, str] = {
    # what the file is
    "empty_file": "The file has no bytes.",
    "too_large": "More bytes than allowed (bytes, max_bytes).",
    "password_protected": "An encrypted workbook: the password has to be removed first.",
    "xml_2003": "Excel 2003 XML spreadsheet: to be saved as .xlsx.",
    "unknown_encoding": "A text file most of whose lines are a text in none of the encodings that we read.",
    "encoding_undecided": "A text file that can be read in several encodings; a person has to say which.",
    "delimiter_undecided": "A text file that can be cut into cells in several ways; a person has to say which.",
    "encoding_unusable": "The encoding that somebody wants is none that we read (encoding).",
    "delimiter_unusable": "The delimiter that somebody wants is none (delimiter).",
    "line_too_long": "A text file with a line that no sheet would have (line, max_characters).",
    "open_quote": "A text file in which a quotation mark is opened and not closed as it should be (row).",
    "html": "A web page with the name of a workbook (many systems export this): to be saved as .xlsx.",
    "ods": "OpenDocument spreadsheet: to be saved as .xlsx.",
    "xlsb": "Excel binary workbook: to be saved as .xlsx.",
    "numbers": "Apple Numbers: to be exported as .xlsx.",
    "image": "A picture.",
    "pdf": "A PDF.",
    "archive": "A packed file (rar, 7z, gzip).",
    "not_a_workbook": "Anything else, a .docx or an ordinary .zip included.",
    "damaged": "Not complete or not well formed (part: the member of the file, when known; cell or row likewise).",
    # what makes it unsafe to open
    "too_many_members": "The zip holds more parts than a workbook needs (max_members).",
    "unsafe_name": "A part has a name that is absolute, climbs, repeats another or is a link (name).",
    "encrypted_part": "A part of the zip is encrypted (name).",
    "unknown_compression": "A part is packed in a way no spreadsheet program uses (name).",
    "inflates_too_much": "Unpacked, it is larger than allowed (max_bytes) or packed beyond the allowed ratio.",
    "entity_declaration": "A part declares a document type or entities, which no spreadsheet program writes (part).",
    # what is in it
    "no_sheet": "There is no worksheet in it.",
    "sheet_missing": "The asked sheet is not in it (sheet).",
    "too_many_rows": "More rows than Excel itself can hold (max_rows).",
    "too_many_columns": "Something stands too far right (cell, max_columns).",
    "cell_too_long": "A cell has more characters than allowed (max_characters; cell when known).",
    "hidden_rows_undecided": "Rows are hidden, and nobody has said whether they are meant.",
    # what became of the reading process
    "out_of_memory": "Reading needed more memory than allowed (max_bytes).",
    "took_too_long": "Reading took more time than allowed (seconds).",
    "readers_busy": "Others are being read, as many as may be at the same time; later it can be.",
    "reader_killed": "The reading process was killed from outside (signal).",
    "reader_failed": "The reading process ended or spoke in a way nobody foresaw: a fault of ours.",
}


class Unreadable(Exception):
    """The file, or the asked sheet of it, cannot be read. `code` is a key of `CODES`."""

    def __init__(self, code: str, **params: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.params: dict[str, str | int] = params
