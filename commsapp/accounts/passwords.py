"""Whether a password can be guessed: length, common ones, and what everybody knows of its owner. No rules of composition.

Source: NIST SP 800-63B (length, comparison with known ones, no composition), OWASP ASVS 5.0 chapter 6.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

SHORTEST = 12
LONGEST = 200
ADVICE = f"{SHORTEST} characters or more. Three or four words that don't belong together are good."
_LEFT_AFTER_KNOWN = 9

# What is left of common long passwords once figures, signs and repetition are off.
_WORDS = (
    "password passwort letmein welcome iloveyou administrator admin qwerty qwertyuiop qwertyuiopas asdfghjkl zxcvbnm",
    "qazwsxedc qazwsx monkey dragon sunshine princess football baseball superman batman trustno starwars whatever computer",
    "internet secret changeme default master shadow michael jennifer liverpool arsenal chelsea manchester everton charlie",
    "england scotland wales london police policeman metropolitan borderforce crime agency nationalcrimeagency serious organised",
    "seriousorganisedcrime commsapp communication correcthorsebatterystaple abcdef abc summer winter spring autumn january",
    "february march april may june july august september october november december monday friday helloworld hello lovely",
    "chocolate butterfly liverpoolfc manchesterunited mypassword thisismypassword my is the this password united",
)
_COMMON = frozenset(" ".join(_WORDS).split())
_LEET = str.maketrans("013457@$!", "oieastasi")


def normal(password: str) -> str:
    """A password in the form that is hashed: the same whichever keyboard composed its letters."""
    return unicodedata.normalize("NFKC", password)


def problem_of(password: str, *, email: str = "", name: str = "") -> str:
    """Why a password can't be used, as a sentence; '' where it can."""
    given = normal(password)
    if len(given) < SHORTEST:
        return f"Enter a password of {SHORTEST} characters or more; three or four words that don't belong together are good"
    if len(given) > LONGEST:
        return f"Enter a password of {LONGEST} characters or fewer"
    if _is_common(given.casefold()):
        return "Enter a password that is harder to guess: this one is, or is made of, one of the most common"
    known = [part for part in re.split(r"[^\w]+", f"{email} {name}".casefold()) if len(part) >= 4]
    left = given.casefold()
    for part in sorted(known, key=len, reverse=True):
        left = left.replace(part, "")
    if left != given.casefold() and len(re.sub(r"[\W_]", "", left)) < _LEFT_AFTER_KNOWN:
        return "Enter a password that is not made of your name or e-mail address"
    return ""


def _is_common(password: str) -> bool:
    if _unit(password) <= 4 or _is_run(password):
        return True
    for spelt in (password, password.translate(_LEET)):
        words = [word for word in re.split(r"[\W\d_]+", spelt) if word]
        long = [word for word in words if len(word) > 2]
        if "".join(words) in _COMMON or (long and all(word in _COMMON for word in long)):
            return True
        letters = "".join(words)
        if letters and letters[: _unit(letters)] in _COMMON:
            return True
    return False


def _unit(text: str) -> int:
    """Length of the shortest piece that a text repeats: 3 for 'abcabcab'."""
    return next(size for size in range(1, len(text) + 1) if all(text[i] == text[i - size] for i in range(size, len(text))))


def _is_run(text: str) -> bool:
    """'123456789012' and 'abcdefghijkl', up or down."""
    steps = {(ord(b) - ord(a)) for a, b in pairwise(text)}
    return steps <= {1, -9} or steps <= {-1, 9}
