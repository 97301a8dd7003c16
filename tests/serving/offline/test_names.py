import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmask.serving.offline.names import escaped, text_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plain name ä 顔.jpg", "plain name ä 顔.jpg"),
        ("a\rb\nc\td.jpg", r"a\x0db\x0ac\x09d.jpg"),
        ("\x1b[2Kfake.jpg\x7f", r"\x1b[2Kfake.jpg\x7f"),
        ("\x9b2K\u2028\u202egpj.exe", r"\u009b2K\u2028\u202egpj.exe"),
        (os.fsdecode(b"\xff.jpg"), r"\xff.jpg"),
        (r"\xff.jpg", r"\x5cxff.jpg"),
        (r"folder\name.jpg", r"folder\name.jpg"),
        ("=1+1.jpg", "./=1+1.jpg"),
        ("\r=1+1.jpg", r"\x0d=1+1.jpg"),
    ],
)
def test_a_name_changes_neither_a_table_nor_a_terminal(name: str, expected: str) -> None:
    assert text_of(Path(name)) == expected


def unescaped(text: str) -> str:
    def character(found: re.Match[str]) -> str:
        code = int(found[1] or found[2], 16)
        return chr(code + 0xDC00 if found[1] and code >= 0x80 else code)

    return re.sub(r"\\x([0-9a-f]{2})|\\u([0-9a-f]{4})", character, text)


@given(
    st.text(st.sampled_from("\\xu0a5c\n\r\x1b\x85\u202e\udc85\udcff/ä"))
    | st.text(st.characters(exclude_categories=["Cs"]))
)
def test_no_name_is_lost(name: str) -> None:
    assert unescaped(escaped(name)) == name


@given(st.text())
def test_what_is_escaped_is_one_line_without_control_characters(text: str) -> None:
    assert len(escaped(text).splitlines()) <= 1
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", escaped(text))
