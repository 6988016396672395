"""Which characters the bytes of a text file stand for: byte-order mark, then strict UTF-8, then Windows-1252 with a note."""

from __future__ import annotations

import codecs
import io
from dataclasses import dataclass

from commsapp.listening.formats.recognise import refuse_binary
from commsapp.listening.formats.table import Source

_CHUNK = 1_048_576
_BOMS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Encoding:
    """How to decode a file; ``note`` tells the user where that was an assumption."""

    name: str
    note: str = ""

    def stream(self, source: Source, newline: str) -> io.TextIOWrapper:
        """The file as text. Bytes that stand for nothing become U+FFFD; ``find_encoding`` has made a note of them."""
        return io.TextIOWrapper(source.path.open("rb"), encoding=self.name, errors="replace", newline=newline)

    def sample(self, source: Source) -> str:
        """The beginning of the file as text, without a character cut in two at its end."""
        text = codecs.getincrementaldecoder(self.name)("replace").decode(source.head, final=len(source.head) >= source.size)
        return text.removeprefix("\ufeff")


def marked(head: bytes) -> str:
    """The encoding that a byte-order mark names; '' where there is none."""
    return next((name for mark, name in _BOMS if head.startswith(mark)), "")


def find_encoding(source: Source) -> Encoding:
    """Reads the whole file once in pieces where it has no byte-order mark. Raises BadInput when it is no text."""
    if name := marked(source.head):
        return Encoding(name)
    wide = _utf16_without_mark(source.head)
    if wide:
        return Encoding(wide, "Read as UTF-16, though the file doesn't say so.")
    refuse_binary(source)
    good, bad = _count_utf8(source)
    if not bad:
        return Encoding("utf-8")
    if good > 4 * bad:
        # One damaged character doesn't make a file Windows-1252; read so, every other accent in it would be garbled.
        return Encoding("utf-8", f"Read as UTF-8; {bad:,} damaged characters were replaced by '\ufffd'.")
    return Encoding("cp1252", "Read as Windows-1252, since it is not UTF-8. If letters look wrong, save the file as 'CSV UTF-8'.")


def _utf16_without_mark(head: bytes) -> str:
    """Western text in UTF-16 has a zero in nearly every second byte, always on the same side."""
    sample = head[: min(len(head), 4096) & ~1]
    half = len(sample) // 2
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if odd > 0.7 * half and even < 0.05 * half:
        return "utf-16-le"
    if even > 0.7 * half and odd < 0.05 * half:
        return "utf-16-be"
    return ""


def _count_utf8(source: Source) -> tuple[int, int]:
    """How many characters beyond ASCII are sound UTF-8, and how many are not; (0, 0) costs one strict pass only."""
    strict = codecs.getincrementaldecoder("utf-8")("strict")
    with source.path.open("rb") as stream:
        try:
            while chunk := stream.read(_CHUNK):
                strict.decode(chunk)
            strict.decode(b"", final=True)
            return 0, 0
        except UnicodeDecodeError:
            pass
        stream.seek(0)
        lenient = codecs.getincrementaldecoder("utf-8")("replace")
        good = bad = 0
        while True:
            chunk = stream.read(_CHUNK)
            text = lenient.decode(chunk, final=not chunk)
            damaged = text.count("\ufffd")
            bad += damaged
            good += sum(1 for letter in text if letter > "\x7f") - damaged
            if not chunk:
                return good, max(bad, 1)
