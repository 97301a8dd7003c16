"""Names of files as text that changes neither a table nor a terminal it is written to."""

import os
import re
from pathlib import Path

# Control characters, line separators, marks that reverse the reading order, bytes that are no text; and a backslash
# where it would be read as one of the escapes.
_UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
    r"|\\(?=x[0-9a-f]{2}|u[0-9a-f]{4})"
)
_BYTES = range(0xDC80, 0xDD00)  # how Python holds bytes of a name that are no UTF-8


def escaped(text: str) -> str:
    r"""Text on one line, without control characters: `\xHH` for ASCII and for bytes that are no text, else `\uHHHH`.

    No two texts become the same, and each can be had back: a backslash that would read as an escape becomes `\x5c`.
    """
    return _UNSAFE.sub(_escape, text)


def text_of(path: Path) -> str:
    """A path as UTF-8 text, `escaped`, that no spreadsheet takes for a formula.

    `=a.jpg` becomes `./=a.jpg`, the same file.
    """
    text = escaped(os.fsencode(path).decode("utf-8", "surrogateescape"))
    return f"./{text}" if text[:1] in set("=+-@") else text


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code in _BYTES:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}"
