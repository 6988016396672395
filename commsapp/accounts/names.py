"""E-mail addresses and names in one form, so that no two people have names that look alike.

Sources: NFKC and case folding as Unicode TR 31 and RFC 8265 advise for user names; single-script rule after Unicode TR 39.
"""

from __future__ import annotations

import re
import unicodedata

from commsapp.errors import BadInput

LONGEST_EMAIL = 254
LONGEST_NAME = 100

_LOCAL = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*")
_DOMAIN = re.compile(r"([^\W_]([\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]{0,61}[^\W_]")
_NOT_AN_ADDRESS = "That is not an e-mail address that people can sign in with."
# Controls, formats (zero-width, bidirectional), surrogates, private and unassigned characters, separators.
_UNSEEN = ("C", "Z")


def email_of(typed: str) -> str:
    """An e-mail address in the one form that it is stored and looked up in.

    Compatibility forms, case and composed letters fall together. What would still look like another address is refused: unseen
    characters, letters of two scripts, Latin letters that stand alone in shape ('ı', 'ɑ').

    Raises
    ------
    BadInput : it is no address, or one that could be taken for another.

    """
    address = typed.strip(" \t\r\n")
    for _ in range(3):  # folding may compose anew, and composing may fold anew
        address = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", address).casefold())
    local, at, domain = address.rpartition("@")
    if not at or len(address) > LONGEST_EMAIL or not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        raise BadInput(_NOT_AN_ADDRESS, "Use one such as name@example.org.")
    if any(unicodedata.category(letter)[0] in _UNSEEN for letter in address) or not _one_script(address):
        raise BadInput(
            "That e-mail address has letters that look like others, so it could be taken for somebody else's.",
            "Type it in again by hand, with the letters of one alphabet.",
        )
    return address


def name_of(typed: str) -> str:
    """A person's name with single blanks.

    Raises
    ------
    BadInput : it is empty or too long, or has characters that nobody sees.

    """
    name = " ".join(unicodedata.normalize("NFC", typed).split())
    if not name or len(name) > LONGEST_NAME:
        raise BadInput(f"A name has 1 to {LONGEST_NAME} characters.", "Enter the name that colleagues know.")
    if any(unicodedata.category(letter)[0] in _UNSEEN and letter != " " for letter in name):
        raise BadInput("The name has characters that nobody can see.", "Type it in again by hand.")
    return name


def _one_script(address: str) -> bool:
    letters = [letter for letter in unicodedata.normalize("NFD", address) if unicodedata.category(letter)[0] == "L"]
    scripts = {unicodedata.name(letter, "?").split()[0] for letter in letters}
    if any(unicodedata.category(letter)[0] == "N" and not letter.isascii() for letter in address):
        return False
    # A Latin letter without an accent taken off is one of a to z, or it only looks like one.
    return len(scripts) == 1 and (scripts != {"LATIN"} or all(letter.isascii() for letter in letters))
