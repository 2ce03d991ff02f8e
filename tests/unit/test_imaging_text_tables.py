"""Tables that people write or export: what could be read wrongly is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from cordgraft_analysis.imaging.text_tables import read_text
from tests.imaging_support import problem_of


def test_a_table_of_a_spreadsheet_is_read(tmp_path: Path) -> None:
    table = tmp_path / "a.tsv"
    table.write_bytes("\ufeffsession_id\tmonths \u00e9\r\nses-a\t 1 \t\r\n\r\nses-b\r\n".encode())
    columns, rows = read_text(table)
    assert columns == ["session_id", "months \u00e9"]
    # an empty cell at the end of a line is no value, a missing one is empty
    assert rows == [
        {"session_id": "ses-a", "months \u00e9": "1"},
        {"session_id": "ses-b", "months \u00e9": ""},
    ]
    other = tmp_path / "a.csv"
    other.write_text("subject,run\n01,x\n")
    assert read_text(other) == (["subject", "run"], [{"subject": "01", "run": "x"}])


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.tsv", b"session_id,months\nses-a,1\n", "separated by commas"),
        ("a.tsv", b"session_id;months\nses-a;1\n", "separated by semicolons"),
        ("a.csv", b"subject\trun\n01\tx\n", "separated by tabs"),
        ("a.tsv", b"a\tb\tb\n1\t2\t3\n", "has a column twice (found b)"),
        ("a.tsv", b"a\tb\n1\t2\n1\t2\t3\n", "more cells in line 3 than columns (found 3)"),
        ("a.tsv", "a\tb\n1\t2\n".encode("utf-16"), "no text in UTF-8"),
    ],
)
def test_what_could_be_read_wrongly_is_refused(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert words in problem_of(lambda: read_text(tmp_path / name), "E03")
