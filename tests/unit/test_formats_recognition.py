"""What is no table is turned away with one sentence and its cure."""

import json
import struct
import zipfile
from pathlib import Path

import pytest

from commsapp.errors import BadInput
from commsapp.listening.formats import FORMATS, open_table

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600


def zipped(path: Path, *names: str, content: str = "x") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf \r\n\r\n", "is empty"),
        (b",,\n,,\n", "is empty"),
        (b"Comment,Area\n\n\n", "no rows below"),
        (b"%PDF-1.7 \x00", "a PDF document"),
        (b"\x89PNG\r\n\x1a\n", "a picture"),
        (b"\x1f\x8b\x08rest", "a compressed file"),
        (b"\x7fELF\x02\x01", "a program"),
        (b"MZ\x90\x00\x03\x00", "a program"),
        (OLE + "Workbook".encode("utf-16-le"), "Excel 97-2003"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "protected by a password"),
        (OLE, "old Office document"),
        (b"<!DOCTYPE html><html><table>", "a web page"),
        (struct.pack("<400d", *range(400)), "not a text file"),
        (bytes(range(256)) * 8, "not a text file"),
        (("x," * 501 + "\n").encode() * 3, "at most 500"),
        (b"PK\x03\x04 and then nothing", "is damaged"),
    ],
)
def test_what_is_no_table_is_turned_away(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "17.part"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=said) as caught:
        open_table(path, name="July survey.csv")
    assert "July survey.csv" in caught.value.problem
    assert caught.value.cure
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (["a.csv"], "is a zip file"),
        (["word/document.xml"], "Word document"),
        (["ppt/slide.xml"], "presentation"),
        (["xl/workbook.bin"], "xlsb"),
    ],
)
def test_other_zip_archives_are_told_apart(tmp_path: Path, parts: list[str], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        open_table(zipped(tmp_path / "x.xlsx", *parts))


def test_a_folder_and_a_missing_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is a folder"):
        open_table(tmp_path)
    with pytest.raises(BadInput, match=r"There is no file gone\.csv"):
        open_table(tmp_path / "gone.csv")


def test_the_content_decides_and_not_the_suffix(tmp_path: Path) -> None:
    lines = tmp_path / "lines.csv"
    lines.write_text(json.dumps({"text": "good"}) + "\n")
    assert open_table(lines).format == "jsonl"
    text = tmp_path / "table.xlsx"
    text.write_text("PK,text\n1,good\n")
    assert open_table(text).format == "csv"
    assert set(FORMATS) == {"csv", "xlsx", "jsonl"}


def test_a_hostile_file_name_stands_in_the_message_without_harm(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"")
    with pytest.raises(BadInput, match=r"^pass\?wd is empty"):
        open_table(path, name="../../etc/pass\nwd")
