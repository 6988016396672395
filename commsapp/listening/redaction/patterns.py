"""What has a form of its own: addresses of mail and web, postcodes, plates, National Insurance numbers, dates of birth.

Forms are British (postcodes: BS 7666; plates: DVLA INF104; National Insurance: HMRC NIM39110; IBAN: ISO 13616).
Every expression has bounded repeats and begins at a boundary, so that time grows with the length of the text only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from commsapp.listening.redaction import numbers
from commsapp.listening.redaction.kinds import Kind, Span
from commsapp.listening.redaction.words import AREAS_OF_POSTCODES, AT_NO_HANDLE, DOMAINS_OF_MAIL, THREE_LETTERS

_SMALL = re.IGNORECASE


def find(text: str) -> list[Span]:
    """Spans of everything with a form of its own in a folded text; they may overlap."""
    found = numbers.find(text) if _DIGIT.search(text) or _SPOKEN.search(text) else []
    if "@" in text:
        found += _with_at(text)
    if _WEB_SIGN.search(text):
        found += _web(text)
    if _DIGIT.search(text):
        for search in (_postcodes, _insurance, _plates, _ibans, _licences, _births, _ip6, _passports):
            found += search(text)
    found += [Span(m.start(), m.end(), Kind.EMAIL) for m in _SPOKEN_MAIL.finditer(text)]
    found += [Span(m.start(1), m.end(1), Kind.HANDLE) for m in _HANDLE_AFTER.finditer(text) if _is_handle(m)]
    found += [Span(m.start(1), m.end(1), Kind.HANDLE) for m in _ALONE.finditer(text)]
    found += [Span(m.start(1), m.end(1), Kind.HANDLE) for m in _HANDLE_BEFORE.finditer(text) if _is_handle(m)]
    return found


_DIGIT = re.compile(r"[0-9]")
_SPOKEN = re.compile(r"\b(?:zero|oh|nought|nine|double)\b", _SMALL)

_LOCAL = re.compile(r"[\w.+'%&*/=?^{}~!#$-]")
_DOMAIN = re.compile(r" ?((?:[^\W_](?:[\w-]{0,62})\.){1,6}[^\W\d_]{2,24})(?![\w-])")
_ADDRESS = re.compile(r"[^\W_][\w.]{1,29}")
_MOST_LOCAL = 64


def _with_at(text: str) -> Iterator[Span]:
    """E-mail addresses and names on social media, from each '@'."""
    after = 0
    for at in re.finditer("@", text):
        begin, least = at.start(), max(after, at.start() - _MOST_LOCAL)
        while begin > least and _LOCAL.match(text[begin - 1]):
            begin -= 1
        while begin < at.start() and text[begin] in ".'/-!?*#":
            begin += 1
        domain = _DOMAIN.match(text, at.end())
        if domain is not None and begin < at.start():
            after = domain.end()
            yield Span(begin, domain.end(), Kind.EMAIL)
            continue
        name = _ADDRESS.match(text, at.end())
        if name is not None and begin == at.start():
            word = name[0].rstrip(".")
            if len(word) > 1 and word.lower() not in AT_NO_HANDLE and not _TIME.fullmatch(word):
                after = at.end() + len(word)
                yield Span(begin, after, Kind.HANDLE)


_TIME = re.compile(r"\d{1,2}(?:[.:]?\d{2})?(?:am|pm|ish|hrs?)?", _SMALL)
_PROVIDERS = "|".join(DOMAINS_OF_MAIL)
_SPOKEN_MAIL = re.compile(
    rf"(?<![\w.])[\w.+-]{{1,64}} ?[\[(]? ?at ?[\])]? ?(?:{_PROVIDERS}) ?[\[(]? ?(?:dot|\.) ?[\])]? ?"
    r"(?:com|net|org|ie|pl|ro|(?:co|org|ac|gov) ?[\[(]? ?(?:dot|\.) ?[\])]? ?uk)(?!\w)",
    _SMALL,
)
_NETWORKS = (
    r"(?:snap(?:chat)?|insta(?:gram)?|ig|tik ?tok|telegram|facebook|fb|twitter|whats ?app|signal|discord|kik|wickr|xbox|psn)"
)
_HANDLE_AFTER = re.compile(
    rf"(?<!\w)(?:{_NETWORKS}|user ?name|handle|gamertag)"
    r"(?: (?:name|id|handle|account|username|user|profile|tag))?"
    r"(?: (?:is|was|called|as|under|at|on|he'?s|she'?s|they'?re|it'?s))?(?: ?[:=-])? ?[\"']?([a-z][\w.-]{2,29})(?!\w)",
    _SMALL,
)


_HANDLE_BEFORE = re.compile(
    rf"(?<![\w@.-])([a-z][\w.-]{{2,29}}) (?:on|from|over) (?:(?:his|her|their|the|my) )?{_NETWORKS}(?!\w)", _SMALL
)
_ALONE = re.compile(r"(?<![\w@.'/-])([a-z]{2,20}(?:_[a-z0-9]{1,20}){1,3}|[a-z]{3,20}_[0-9]{1,6})(?![\w.@])", _SMALL)


def _is_handle(found: re.Match[str]) -> bool:
    """A word with digits or signs inside is a chosen name; a plain word after 'Facebook' is speech."""
    word = found[1].rstrip(".-")
    if word.lower() in ("covid19", "covid-19"):
        return False
    return bool(re.search(r"[\d_]|[a-z]\.[a-z]{3}", word, _SMALL)) and not re.fullmatch(
        r"\w*\.(?:com|co|org|uk|net)", word, _SMALL
    )


_WEB_SIGN = re.compile(r"://|www\.|\.(?:com|uk|org|net|me|gg|io)\b", _SMALL)
_WEB = re.compile(
    r"(?<![\w@.])(?:(https?://)"
    r"|(?:www\.))?((?:[^\W_][\w-]{0,62}\.){1,6}[a-z]{2,24})(?::\d{1,5})?(/[^\s<>\"\x1f]{0,2000}"
    r"|\?[^\s<>\"\x1f]{1,2000})?",
    _SMALL,
)
_SOCIAL = re.compile(
    r"(?:^|\.)(?:facebook|fb|instagram|twitter|x|tiktok|snapchat|linkedin|threads|telegram|t|wa|discord"
    r"|youtube|twitch|onlyfans|paypal|cash)"
    r"\.(?:com|me|net|gg|tv|app)$",
    _SMALL,
)


def _web(text: str) -> Iterator[Span]:
    """Addresses that lead further than to somebody's front page; 'www.gov.uk' alone says nothing of a person."""
    for found in _WEB.finditer(text):
        path = (found[3] or "").rstrip(".,;:!?)]}'")
        if len(path) > 1:
            kind = Kind.HANDLE if _SOCIAL.search(found[2]) else Kind.WEB
            yield Span(found.start(), found.start(3) + len(path), kind)


_POSTCODE = re.compile(r"(?<![\w£$€])([a-z]{1,2})([0-9][a-z0-9]?) {0,2}([0-9])([abd-hjlnp-uw-z]{2})(?!\w)", _SMALL)


def _postcodes(text: str) -> Iterator[Span]:
    for found in _POSTCODE.finditer(text):
        area, _, digit, unit = found.groups()
        if area.upper() not in AREAS_OF_POSTCODES:
            continue
        # 'block B2 1st floor': an ordinal is no end of a postcode.
        if digit + unit in ("1st", "2nd", "3rd") or (unit == "th" and digit in "0456789"):
            continue
        yield Span(found.start(), found.end(), Kind.POSTCODE)


_INSURANCE = re.compile(r"(?<!\w)([a-z]{2})[ .-]{0,2}[0-9]{2}[ .-]?[0-9]{2}[ .-]?[0-9]{2}[ .-]{0,2}([a-d])(?!\w)", _SMALL)
_NEVER_ISSUED = frozenset({"BG", "GB", "NK", "KN", "TN", "NT", "ZZ"})


def _insurance(text: str) -> Iterator[Span]:
    for found in _INSURANCE.finditer(text):
        prefix = found[1].upper()
        # QQ is never issued, but stands in every example, so people write it when they hide theirs and then don't.
        if prefix == "QQ" or (prefix not in _NEVER_ISSUED and not set(prefix) & set("DFIQUV") and prefix[1] != "O"):
            yield Span(found.start(), found.end(), Kind.NATIONAL_INSURANCE)


_PLATE = re.compile(r"(?<!\w)([a-hj-y]{2}[0-9]{2})( ?)-?([a-hj-pr-z]{3})(?!\w)", _SMALL)
_PREFIX_PLATE = re.compile(r"(?<!\w)([a-hj-np-tv-y])([0-9]{1,3})( ?)([a-hj-pr-y]{3})(?!\w)", _SMALL)
_SUFFIX_PLATE = re.compile(r"(?<!\w)([a-hj-pr-y]{3})( ?)([0-9]{1,3})([a-hj-np-tv-y])(?!\w)", _SMALL)
_NORTHERN_PLATE = re.compile(r"(?<!\w)([a-z]{0,2}[iz][a-z]{0,2}) ?([0-9]{1,4})(?!\w)", _SMALL)
_VEHICLE = re.compile(
    r"\b(?:reg|registration|registered|regn|index|plates?|car|van|vehicles?|motor(?:bike)?|bike|moped"
    r"|scooter|taxi|lorry|truck|suv"
    r"|driv(?:es?|ing|en)|audi|bmw|vw|golf|polo|corsa|astra|ford|focus|fiesta|merc(?:edes)?|range rover"
    r"|transit|toyota|nissan|seat|kia)\b",
    _SMALL,
)


def _plates(text: str) -> Iterator[Span]:
    """Current plates wherever they stand; older ones, which look like roads and codes, near words on vehicles."""
    for found in _PLATE.finditer(text):
        letters = found[1][:2] + found[3]
        # 'on12 may': small letters with a blank are speech unless a vehicle is spoken of.
        if (letters.isupper() and not (found[2] and found[3] in THREE_LETTERS)) or not found[2] or _vehicle_near(text, found):
            yield Span(found.start(), found.end(), Kind.PLATE)
    for found in _PREFIX_PLATE.finditer(text):
        word = found[4].upper() in THREE_LETTERS
        plain = found[4].isupper() and found[1].isupper() and len(found[2]) == 3 and not word
        if plain or (_vehicle_near(text, found) and not (word and found[3])):
            yield Span(found.start(), found.end(), Kind.PLATE)
    for found in _SUFFIX_PLATE.finditer(text):
        if _vehicle_near(text, found) and found[1].upper() not in THREE_LETTERS:
            yield Span(found.start(), found.end(), Kind.PLATE)
    for found in _NORTHERN_PLATE.finditer(text):
        if len(found[1]) == 3 and found[1].isupper() and found[1] not in THREE_LETTERS and _vehicle_near(text, found):
            yield Span(found.start(), found.end(), Kind.PLATE)


def _vehicle_near(text: str, found: re.Match[str]) -> bool:
    return bool(
        _VEHICLE.search(text[max(0, found.start() - 45) : found.start()])
        or _VEHICLE.match(text[found.end() + 1 : found.end() + 13])
    )


_IBAN = re.compile(r"(?<!\w)[a-z]{2}[0-9]{2}(?:[ -]?[a-z0-9]{4}){2,7}(?:[ -]?[a-z0-9]{1,4})?(?!\w)", _SMALL)
_LEAST_IBAN, _MOST_IBAN = 15, 34


def _ibans(text: str) -> Iterator[Span]:
    for found in _IBAN.finditer(text):
        # Words may follow that look like further groups: the check digits say where it ends.
        ends = [place for place in range(len(found[0]), _LEAST_IBAN - 1, -1) if place == len(found[0]) or found[0][place] in " -"]
        for end in ends:
            plain = re.sub("[ -]", "", found[0][:end]).upper()
            if _LEAST_IBAN <= len(plain) <= _MOST_IBAN and int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1:
                yield Span(found.start(), found.start() + end, Kind.ACCOUNT)
                break


_LICENCE = re.compile(
    r"(?<!\w)[a-z9]{5} ?[0-9](?:0[1-9]|1[0-2]|5[1-9]|6[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9] ?[a-z9]{2} ?[0-9a-z]{3}(?!\w)", _SMALL
)


def _licences(text: str) -> Iterator[Span]:
    return (Span(m.start(), m.end(), Kind.LICENCE) for m in _LICENCE.finditer(text))


_PASSPORT = re.compile(r"\bpass ?port[^0-9\x1f]{0,25}?\b([a-z]{1,2} ?[0-9]{6,8})(?!\w)", _SMALL)


def _passports(text: str) -> Iterator[Span]:
    return (Span(m.start(1), m.end(1), Kind.PASSPORT) for m in _PASSPORT.finditer(text))


_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)[a-z]{0,6}"
_DAY = r"[0-3]?[0-9](?:st|nd|rd|th)?"
_BIRTH = re.compile(
    r"(?<!\w)(?:d\. ?o\. ?b\.?|dob|date of birth|born|birth ?(?:day|date))[ :,'s-]{0,4}(?:(?:is|was|on|the|it'?s) ){0,3}"
    rf"([0-9]{{4}}[-/.][0-9]{{1,2}}[-/.][0-9]{{1,2}}|[0-3]?[0-9] ?[-/. ] ?[01]?[0-9] ?[-/. ] ?(?:[0-9]{{4}}|[0-9]{{2}})"
    rf"|{_DAY}(?: of)?[ -]{_MONTH},?(?:[ -][0-9]{{2,4}})?|{_MONTH} {_DAY},?(?: [0-9]{{2,4}})?)(?!\w)",
    _SMALL,
)


def _births(text: str) -> Iterator[Span]:
    return (Span(m.start(1), m.end(1), Kind.BIRTH) for m in _BIRTH.finditer(text))


_IP6 = re.compile(r"(?<![\w:])(?=[0-9a-f:]{11,39}(?![\w:]))(?:[0-9a-f]{1,4}::?){4,7}[0-9a-f]{1,4}", _SMALL)


def _ip6(text: str) -> Iterator[Span]:
    return (Span(m.start(), m.end(), Kind.IP) for m in _IP6.finditer(text))
