"""Names and streets that the words around them give away: 'Mr …', 'my name is …', '14 … Road'. No model is needed for these."""

from __future__ import annotations

import re
from collections.abc import Iterator

from commsapp.listening.redaction.kinds import Kind, Span
from commsapp.listening.redaction.words import NEVER_NAMES, STREETS_OF_ALL, words

_SMALL = re.IGNORECASE
_WORD = r"[^\W\d_][\w'.-]{0,40}"
_NAME_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")

_TITLE = re.compile(
    r"(?<![\w'])(?:mr|mrs|ms|mx|miss|dr|prof(?:essor)?|pcso|pc|dc|ds|dci|sgt|sergeant|insp(?:ector)?|cllr"
    r"|councillor|rev(?:erend)?|"
    r"fr|imam|pastor|auntie|aunty|uncle|nanna?|judge|sheikh|sir|dame|lord|pan[ai]?|panem)\.? (?=[^\W\d_])",
    _SMALL,
)
_SAYS_NAME = re.compile(
    r"(?<!\w)(?:(?:my|his|her|their|your|the|whose|street|real|full|first"
    r"|last) (?:\w{1,12} )?(?:nick)?names?(?: is|'s| was|:| are)"
    r"|name is|names are|nickname is|nicknamed|goes by(?: the name(?: of)?)?|go by the name(?: of)?"
    r"|known as|aka|a\.k\.a\.?|calls? (?:him|her|them)selves?"
    r"|calls? (?:him|her|my)self|they call (?:him|her|me)|(?:bloke|man|lad|guy|boy|girl|woman|lady|kid"
    r"|person|one|someone|somebody|fella|"
    r"geezer|dealer|officer|worker|mate|friend|cousin|neighbour|teacher) (?:called|named)|a certain"
    r"|fy enw i yw|fy enw i ydy|f'enw i yw|o'r enw|enw (?:ef|ei)\w{0,4} yw|nazywam się|nazywam sie"
    r"|mam na imię|mam na imie|ma na imię|o imieniu|na imię)"
    r"[: ]{1,2}[\"']?(?=[^\W\d_])",
    _SMALL,
)
_SIGNED = re.compile(
    r"(?<!\w)(?:kind regards|regards|yours(?: sincerely| faithfully| truly)?|best wishes|signed"
    r"|many thanks|pozdrawiam)[,:. -]{1,4}(?=[^\W\d_])",
    _SMALL,
)
_NOT_AFTER_TITLE = re.compile(r"(?:for|of|at|in|on|and|or|was|is|who|said|has|to|from|with|came|the|a|i|that|if|so|but)$", _SMALL)

_TYPES = (
    r"roads?|rd|streets?|lane|ln|avenue|ave?|close|cl|drive|dr|grove|crescent|cres|terrace|mews|gardens"
    r"|gdns|walk|row|court|ct|place|pl"
    r"|square|sq|way|hill|rise|parade|view|park|green|croft|fold|vale|st|quay|wharf|villas|buildings|house|heights|tower|point"
)
_SURE_TYPES = (
    r"(?:Road|Rd|Street|St|Lane|Ln|Avenue|Ave|Close|Crescent|Cres|Grove|Terrace|Mews|Gardens|Drive|ROAD"
    r"|STREET|LANE|AVENUE|CLOSE|CRESCENT|GROVE|TERRACE|DRIVE)"
)
_NUMBERED = re.compile(
    rf"(?<![\w.,£$€/:-])(?:(?:flat|apartment|apt|unit|room|house|number|no\.?) ?(?:[0-9]{{1,4}}[a-z]?|[a-z])[ ,]{{1,3}})?"
    rf"[0-9]{{1,4}}[a-z]?(?:[-/][0-9]{{1,4}}[a-z]?)?,? ((?:(?:the|st\.?|[^\W\d_][\w'-]{{1,25}}) ){{1,3}})(?:{_TYPES})(?![\w'])",
    _SMALL,
)
_NAMED = re.compile(rf"(?<![\w'])((?:(?:St\.?|[A-Z][\w'-]{{1,25}}) ){{1,3}}){_SURE_TYPES}\.?(?![\w'])")
_ABROAD = re.compile(
    r"(?<!\w)(?:(?:[Hh]eol|[Ff]fordd|[Ll]ôn|[Ss]tryd|[Rr]hodfa|[Cc]los|[Cc]ilgant|[Tt]eras"
    r"|[Mm]aes) (?:(?:yr?|y'r|[A-ZÂÊÎÔÛŴŶ][\w'-]{1,25}) ?){1,3}"
    r"|(?:ul\.|ulica|ulicy|ulicę|al\.|alei|aleja|os\."
    r"|osiedlu) ?(?:[^\W\d_][\w-]{1,25} ?){1,2}(?: ?[0-9]{1,4}[a-z]?(?:/[0-9]{1,4})?)?"
    r"|(?:[Ss]trada|[Ss]tr\.|Rruga|Rua) [A-Z][\w-]{1,25}(?: [A-Z][\w-]{1,25})?)"
)
_FLAT = re.compile(r"(?<!\w)(?:flat|apartment|apt) (?:no\.? ?|number )?[0-9]{1,4}[a-z]?(?!\w)", _SMALL)
_NO_STREET = re.compile(
    r"(?<!\w)(?:people|kids|children|years?|times?|minutes?|mins?|hours?|hrs?|days?|weeks?|months?|pm|am"
    r"|of|in|on|at|to|from|and|or|is|are|was|were"
    r"|for|with|it|up|down|by|my|our|their|his|her|your|this|that|new|more|police|officers?|lads?|boys?"
    r"|men|women|doors|miles?|metres?|pounds?|quid"
    r"|cars?|houses?|shops?|dealers?|bags?|grams?|lines?|bottles?|year|mile)(?!\w)",
    _SMALL,
)


def find(text: str) -> list[Span]:
    """Spans of names and streets in a folded text; they may overlap."""
    return [*_names(text), *_streets(text)]


def _names(text: str) -> Iterator[Span]:
    for found in _TITLE.finditer(text):
        yield from _words_after(text, found.end(), small=found[0][0].islower() or text.islower(), first_small=True)
    for found in _SAYS_NAME.finditer(text):
        yield from _words_after(text, found.end(), small=True, first_small=True, sure=True)
    for found in _SIGNED.finditer(text):
        yield from _words_after(text, found.end(), small=False, first_small=False)


_MOST_WORDS = 4
_AND = re.compile(r"(?:,? and |, | & |/)(?=[A-Z])")


def _words_after(text: str, at: int, *, small: bool, first_small: bool, sure: bool = False) -> Iterator[Span]:
    """The words of a name that begins at a place: with capitals, or where people write without any, one word in small letters."""
    begin = end = at
    for number in range(_MOST_WORDS):
        found = _NAME_WORD.match(text, at)
        if found is None:
            break
        word = found[0].removesuffix("'s")
        capital = word[0].isupper() and (number == 0 or not text.isupper())
        common = word.lower() in NEVER_NAMES
        if common and not (sure and number == 0 and capital and word.lower() not in _NEVER_EVEN_THEN):
            break
        if not capital and not (small and number == 0 and first_small and len(word) > 1):
            break
        end = at + len(word)
        if text[end : end + 1] != " ":
            break
        at = end + 1
    if end > begin:
        yield Span(begin, end, Kind.NAME)
        more = _AND.match(text, end) if sure else None
        if more is not None:
            yield from _words_after(text, more.end(), small=False, first_small=False)


_NEVER_EVEN_THEN = words("a an the not no i he she it they we you in on at of and or to what who police")


def _streets(text: str) -> Iterator[Span]:
    for found in _NUMBERED.finditer(text):
        words = found[1].split()
        if not _NO_STREET.search(found[1]) and not (len(words) == 1 and words[0].lower() in NEVER_NAMES - {"st"}):
            yield Span(found.start(), found.end(), Kind.STREET)
    for found in _NAMED.finditer(text):
        begin = found.start()
        for word in found[1].split():
            if word.lower() not in STREETS_OF_ALL and word.lower() not in NEVER_NAMES - {
                "st",
                "king",
                "queen",
                "prince",
                "white",
                "black",
            }:
                break
            begin += len(word) + 1
        if begin < found.end(1):
            yield Span(begin, found.end(), Kind.STREET)
    for found in _ABROAD.finditer(text):
        yield Span(found.start(), found.start() + len(found[0].rstrip()), Kind.STREET)
    for found in _FLAT.finditer(text):
        yield Span(found.start(), found.end(), Kind.STREET)
