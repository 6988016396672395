"""Which column of a file is what: suggested from names and a sample, shown to a person, changed by them, checked."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass

from commsapp.errors import BadInput
from commsapp.listening import dates

FIELDS: dict[str, tuple[str, ...]] = {
    "text": (
        "text", "comment", "comments", "comment body", "full text", "verbatim", "consumer complaint narrative", "narrative",
        "transcript", "caption", "feedback", "response", "response text", "answer", "message", "body", "content", "free text",
        "statement", "complaint", "review", "remarks", "your comment", "your comments", "any other comments",
        "hit sentence", "opening text", "snippet",
    ),
    "date": (
        "date", "response date", "date of response", "comment date", "recorded date", "completion time", "submission date",
        "submission time", "date submitted", "submitted", "date received", "received", "datetime", "date time", "created at",
        "created", "timestamp", "published", "start date", "start time", "started", "today", "end date", "day", "added",
    ),
    "area": (
        "area", "area code", "area name", "ward", "neighbourhood", "neighborhood", "borough", "district", "local authority",
        "council", "town", "city", "locality", "location", "place", "where", "county", "region", "state", "force", "lsoa", "msoa",
    ),
    "language": ("language", "lang", "language code", "language of response", "detected language"),
    "translation": ("translation", "translated text", "english translation", "text english", "translation english", "in english"),
    "translator": ("translator", "translated by", "translation by"),
    "weight": ("weight", "weights", "weighting", "wt", "survey weight", "sample weight", "rim weight", "final weight"),
    "respondent": (
        "respondent", "respondent id", "respondent key", "participant", "participant id", "person id", "panel id", "panellist id",
        "member id", "user id", "author id", "contact id", "submitter id", "voter id", "person", "caller", "caller id", "speaker",
        "resident", "resident id", "client id", "attendee", "attendee id",
    ),
    "identity": (
        "id", "response id", "comment id", "record id", "submission id", "complaint id", "mention id", "message id", "row id",
        "case id", "uuid", "instance id", "meta instance id", "key", "reference", "ref",
    ),
    "consent": ("consent", "consents", "consent given", "consent level", "permission", "permissions"),
    "handling": ("handling", "handling level", "marking", "protective marking", "classification", "sensitivity"),
}  # fmt: skip
"""What a column may be, and the names it goes by, best first; letter case, spaces, underscores and hyphens don't matter."""

CONSENTS = ("log", "analyse", "quote", "publish")
_YES, _NO = frozenset({"yes", "y", "true", "given", "agreed"}), frozenset({"no", "n", "false", "refused", "none"})
HANDLINGS = ("open", "official-sensitive", "concern")
OURS: Dictionary[str, str] = dict(zip(HANDLINGS, HANDLINGS, strict=True))
"""Handling level → what it is called, where an organisation has no words of its own."""

_MANY = {"attribute": "attributes", "question": "questions", "skip": "left_out"}
_DEMOGRAPHICS = (
    "age", "age group", "age band", "age range", "gender", "gender identity", "sex", "ethnicity", "ethnic group", "race",
    "disability", "disabled", "religion", "faith", "sexuality", "sexual orientation", "occupation", "employment",
    "employment status", "working status", "education", "qualification", "income", "income band", "tenure", "housing tenure",
    "marital status", "nationality", "country of birth", "postcode district", "postcode area", "outcode", "urban rural", "imd",
    "imd decile", "deprivation", "social grade", "tags", "parent", "student", "year group", "victim", "role",
)  # fmt: skip
_PERSONAL = re.compile(
    r"(e-?mail|phone|mobile|telephone|ip[\s_-]*addr|^ip$|surname"
    r"|(first|last|full|user|screen|display|contact|submitter)[\s_-]*name"
    r"|^_?name$|^your name|what is your name|handle$|author|influencer"
    r"|submitted[\s_-]*by|^address|(home|street)[\s_-]*address"
    r"|^postcode$|^zip|date[\s_-]*of[\s_-]*birth|^dob$|nhs[\s_-]*n|national[\s_-]*insurance|latitude|longitude|device[\s_-]*id|^twitter)",
    re.IGNORECASE,
)
_WHERE = re.compile(
    r"^(?:in )?(?:which|what)(?: \w+){0,2} "
    r"(?:ward|area|borough|neighbou?rhood|district|town|city|village|county|council|region)\b"
    r".*\b(?:live|living|based|reside|from)\b|^where (?:do|are) you (?:live|living|based|from)\b",
    re.IGNORECASE,
)
"""A question in a survey that asks for the area: 'Which ward do you live in?'"""
_WHO = re.compile(
    r"^how old are you\b|^(?:which|what) (?:age|gender|sex|ethnic|religion)\w*(?: group| band| range)? (?:are|do|would) you\b"
    r"|^(?:what is|what's|what best describes|how would you describe|which (?:of (?:these|the following) )?best describes) your "
    r"(?:age|gender|sex|ethnic|religio|faith|disab|sexual|employment|working|marital|occupation)\w*",
    re.IGNORECASE,
)
"""A question in a survey that asks about the person: 'What is your age group?'"""
_UNNAMED = (
    "anon", "anonymous", "unknown", "unidentified", "unnamed", "undisclosed", "unspecified", "not known", "no name",
    "name unknown",
    "withheld", "name withheld", "identity withheld", "not given", "name not given", "not stated", "not provided", "not recorded",
    "not disclosed", "not applicable", "refused", "refused to say", "declined", "would not say", "prefer not to say", "redacted",
)  # fmt: skip
_ANYBODY = (
    "caller",
    "person",
    "resident",
    "respondent",
    "participant",
    "member",
    "user",
    "visitor",
    "speaker",
    "client",
    "attendee",
)
_NOBODY = frozenset(
    {f"{unnamed} {anybody}".strip() for unnamed in _UNNAMED for anybody in ("", *_ANYBODY)}
    | {*_ANYBODY, "na", "n a", "none", "nil", "null", "nan", "nobody", "no", "tbc", "tba", "x", "xx", "xxx", "xxxx"}
    | {"member of public", "member of the public", "a member of the public", "mop"}
)
"""What stands where nobody knows, or says, who spoke: 'Anonymous', 'unknown caller', 'n/a', 'name withheld'."""
_MOST_OF_ONE = 0.25
"""Share of the rows up to which they may be of one person, for a column to be proposed as telling persons apart."""
_LINK = re.compile(r"https?://\S+")
_NUMBER = re.compile(r"[-+]?\d+([.,]\d+)?")
_WORDING_WORDS = 4
_FEWEST_DATES = 2
MOSTLY = 0.9
"""Share of distinct values from which on a column of ids is one that a few mistakes are in."""
_MOST_CHOICES = 12
_LONGEST_CHOICE = 60


@dataclass(frozen=True)
class Mapping:
    """Which column became what. Every column of the file stands in it somewhere, those not used in ``left_out``."""

    text: str | None = None
    date: str | None = None
    area: str | None = None
    language: str | None = None
    translation: str | None = None
    translator: str | None = None
    weight: str | None = None
    respondent: str | None = None
    identity: str | None = None
    consent: str | None = None
    handling: str | None = None
    attributes: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def fields(self) -> dict[str, str]:
        """Field → column, for the fields that have one."""
        return {field: column for field in FIELDS if (column := getattr(self, field)) is not None}

    def columns(self) -> tuple[str, ...]:
        """All columns it speaks of, each once."""
        return tuple(dict.fromkeys([*self.fields().values(), *self.attributes, *self.questions, *self.left_out]))

    def to_json(self) -> dict[str, object]:
        """As JSON can hold it; ``from_json`` reads it back."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in dataclasses.asdict(self).items()}

    @classmethod
    def from_json(cls, stored: Dictionary[str, object]) -> Mapping:
        """The mapping that ``to_json`` wrote. Raises BadInput for anything else."""
        many = set(_MANY.values())
        found: dict[str, object] = {}
        for name, value in stored.items():
            if name in many and isinstance(value, list | tuple) and all(isinstance(column, str) for column in value):
                found[name] = tuple(value)
            elif name in FIELDS and (value is None or isinstance(value, str)):
                found[name] = value
            else:
                raise BadInput(f"The column mapping says '{name}', which means nothing here.", "Map the columns again.")
        return dataclasses.replace(cls(), **found)  # type: ignore[arg-type]  # checked by hand above


def normalise(name: str) -> str:
    """A column name for comparing: no byte-order mark, letter case, spaces, underscores, hyphens."""
    return re.sub(r"[\s_\-/.]+", "", name.replace("\ufeff", "")).casefold()


def suggest(
    table_columns: Sequence[str], sample_rows: Sequence[Dictionary[str, str]], *, levels: Dictionary[str, str] = OURS
) -> Mapping:
    """What each column seems to be, by its name and then by what stands in it; for a person to confirm.

    ``levels`` are the organisation's own names of the handling levels.

    A field goes to the column with the best-known name whose cells can be that: a 'weight' that is no number, or an 'id'
    that repeats, is left out instead of making every row fail.
    """
    samples = {column: [cell for row in sample_rows if (cell := row.get(column, "").strip())] for column in table_columns}
    names = {column: normalise(column) for column in table_columns}
    found: dict[str, str] = {}
    for field, aliases in FIELDS.items():
        for alias in map(normalise, aliases):
            fitting = [
                column for column in table_columns
                if names[column] == alias and column not in found.values() and _fits(field, samples[column], levels)
            ]  # fmt: skip
            if fitting:
                found[field] = fitting[0]
                break
    if "date" not in found and (dated := _dated(table_columns, samples, set(found.values()))) is not None:
        found["date"] = dated
    if "area" not in found and (asked := _asks_where(table_columns, samples, set(found.values()))) is not None:
        found["area"] = asked
    rest = [column for column in table_columns if column not in found.values()]
    open_columns = [column for column in rest if not _PERSONAL.search(column)]
    demographics = set(map(normalise, _DEMOGRAPHICS))
    attributes = [
        column for column in open_columns
        if names[column] in demographics or (_WHO.search(column) and _is_closed(samples[column]))
    ]  # fmt: skip
    questions = [
        column for column in open_columns
        if column not in attributes and _is_wording(column) and _is_closed(samples[column])
    ]  # fmt: skip
    if "text" not in found:
        candidates = [column for column in open_columns if column not in {*attributes, *questions}]
        text = _longest(candidates, samples) or (None if questions else _named_text(candidates, samples))
        found |= {"text": text} if text else {}
    used = {*found.values(), *attributes, *questions}
    left_out = tuple(column for column in table_columns if column not in used)
    return dataclasses.replace(
        Mapping(attributes=tuple(attributes), questions=tuple(questions), left_out=left_out),
        **found,  # type: ignore[arg-type]  # the keys are those of FIELDS
    )


def with_choices(mapping: Mapping, choices: Dictionary[str, str] | Iterable[tuple[str, str]]) -> Mapping:
    """The mapping with a person's choices in it: (field, column) pairs, as ``--map FIELD=COLUMN`` gives them.

    'attribute', 'question' and 'skip' may be chosen for several columns; an empty column takes the field away. A column that
    was chosen leaves the place it was suggested for, and a column that lost its place is left out. Raises BadInput for a
    field there is none of, or one that is chosen twice.
    """
    pairs = list(choices.items()) if isinstance(choices, Dictionary) else list(choices)
    known = mapping.columns()
    chosen: dict[str, str | None] = {}
    many: dict[str, list[str]] = {place: [] for place in _MANY.values()}
    for field, column in pairs:
        field = normalise(field)
        if field in _MANY:
            many[_MANY[field]].append(_known_as(column, known))
        elif field not in FIELDS:
            raise BadInput(f"There is no field '{field}'.", f"Choose one of {', '.join([*FIELDS, *_MANY])}.")
        elif field in chosen:
            raise BadInput(f"The field '{field}' is given twice.", "Choose one column for it.")
        else:
            chosen[field] = _known_as(column, known) if column.strip() else None
    picked = [column for column in chosen.values() if column] + [column for columns in many.values() for column in columns]
    if twice := next((column for column in picked if picked.count(column) > 1), None):
        raise BadInput(f"The column '{twice}' is chosen twice.", "Choose one place for it.")
    taken = set(picked)
    fields: dict[str, str | None] = {
        field: chosen.get(field, None if getattr(mapping, field) in taken else getattr(mapping, field)) for field in FIELDS
    }
    attributes = _merged(mapping.attributes, many["attributes"], taken)
    questions = _merged(mapping.questions, many["questions"], taken)
    used = {column for column in fields.values() if column} | {*attributes, *questions}
    left_out = tuple(dict.fromkeys(column for column in (*known, *many["left_out"]) if column not in used))
    return dataclasses.replace(
        Mapping(attributes=attributes, questions=questions, left_out=left_out),
        **fields,  # type: ignore[arg-type]  # the keys are those of FIELDS
    )


def check(mapping: Mapping, columns: Sequence[str]) -> None:
    """Raises BadInput when the mapping names a column that isn't there, or leaves nothing to read."""
    there = f"The columns are: {', '.join(columns[:40])}{' …' if len(columns) > 40 else ''}."
    for column in mapping.columns():
        if column not in columns:
            raise BadInput(f"There is no column '{column}'.", there)
    for column in mapping.attributes:
        if " = " in column:
            raise BadInput(
                f"The column '{column}' can't be an attribute, as ' = ' stands in its name.", "Rename it, or leave it out."
            )
    if mapping.text is None and not mapping.questions:
        raise BadInput("No column holds comments and none holds a closed question, so there is nothing to read.",
                       f"Choose the column with the comments, or one with the answers to a question. {there}")  # fmt: skip


def missing(fields: Container[str], columns: Sequence[str] = (), *, levels: Dictionary[str, str] = OURS) -> dict[str, str]:
    """Field → what it means that no column holds it, for those of date, area, respondent and identity not in ``fields``.

    Consent and handling stand among them where one of ``columns`` is named so all the same: then it protects nobody.
    """
    found = {field: sentence for field, sentence in _MISSING.items() if field not in fields}
    for field, sentence in _UNHEEDED.items():
        named = [column for column in columns if normalise(column) in map(normalise, FIELDS[field])]
        if field not in fields and named:
            found[field] = sentence.format(named[0], levels=", ".join(levels[level] for level in HANDLINGS))
    return found


_MISSING = {
    "date": "No column holds dates: what people said counts in the figures over all waves, but in none of them.",
    "area": "No column holds areas: the figures can't be compared between areas.",
    "respondent": "No column tells who is the same person: each row counts as somebody else, so somebody who spoke twice counts "
    "twice, and what one person said can't be found together.",
    "identity": "No column holds an id: rows are told apart by all their cells, so a row that is changed in a later export "
    "counts again.",
}


_UNHEEDED = {
    "consent": "The column '{}' is not read as consent, so everybody counts as having agreed to be read and analysed. "
    f"Its words would have to be {', '.join(CONSENTS)}, yes or no.",
    "handling": "The column '{}' is not read as who may read a row, so no concern in it is held back. "
    "Its words would have to be {levels}.",
}


def _merged(suggested: Sequence[str], added: Sequence[str], taken: set[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*(column for column in suggested if column not in taken), *added]))


def _known_as(column: str, known: Sequence[str]) -> str:
    """The column as the file writes it, where only case or spaces differ and only one column can be meant."""
    alike = [other for other in known if normalise(other) == normalise(column)]
    return column if column in known or len(alike) != 1 else alike[0]


def _fits(field: str, values: Sequence[str], levels: Dictionary[str, str]) -> bool:
    """Whether the cells of a column with a fitting name can be read as the field."""
    if not values:
        return True
    if field == "text":
        return not (_is_closed(values) or all(_NUMBER.fullmatch(value) for value in values))
    if field == "date":
        return sum(dates.looks_like_date(value) for value in values) >= 0.5 * len(values)
    if field == "weight":
        return all(_NUMBER.fullmatch(value) for value in values)
    if field == "respondent":
        known = list(filter(None, map(somebody, values)))
        return bool(known) and (len(known) < 8 or Counter(known).most_common(1)[0][1] <= _MOST_OF_ONE * len(known))
    if field == "identity":
        # A few ids that come twice are rows to be rejected; told apart by whole rows, a longer export would double them all.
        return len(set(values)) >= MOSTLY * len(values)
    # One word that isn't known keeps its own row out; were the whole column left out, a concern would go in as open to all.
    if field == "consent":
        return any(consent_words(value) is not None for value in values)
    if field == "handling":
        return any(handling_word(value, levels) is not None for value in values)
    return True


def somebody(cell: str) -> str:
    """The key of a person as a cell gives it; empty where it says that nobody knows who it was.

    Else everybody who rang without a name would be one person, whose words are handed over and erased together.
    """
    key = cell.strip()
    words = " ".join(re.findall(r"\w+", key.replace("_", " ").casefold()))
    return "" if not words or words in _NOBODY else key


def consent_words(cell: str) -> tuple[str, ...] | None:
    """The uses that a person agreed to, in their fixed order; None when the cell has a word that is none of them.

    A single word stands for those before it too, as nobody agrees to be quoted and not to be read; several words stand for
    themselves. 'Yes' is to log and to analyse, 'no' is to log alone.
    """
    words = {word.replace("analyze", "analyse") for word in re.split(r"[\s,;|/+&]+", cell.casefold()) if word and word != "and"}
    if len(words) == 1:
        (word,) = words
        if word in _YES or word in _NO:
            return CONSENTS[: 2 if word in _YES else 1]
        return CONSENTS[: CONSENTS.index(word) + 1] if word in CONSENTS else None
    return None if words - set(CONSENTS) else tuple(word for word in CONSENTS if word in words)


def handling_word(cell: str, levels: Dictionary[str, str] = OURS) -> str | None:
    """The handling level that a cell names, by its own word or by the organisation's; None when it names no known one."""
    word = _plain(cell)
    own = {_plain(name): level for level, name in levels.items()}
    return own.get(word) or (word if word in HANDLINGS else None)


def _plain(name: str) -> str:
    return re.sub(r"[\s_:\-]+", "-", name.strip().casefold())


def _is_wording(column: str) -> bool:
    return column.rstrip().endswith("?") or len(column.split()) >= _WORDING_WORDS


def _is_closed(values: Sequence[str]) -> bool:
    """Few distinct short values that come again and again, and are no dates: boxes that people ticked."""
    distinct = set(values)
    return (
        len(values) >= 3 and len(distinct) <= min(_MOST_CHOICES, max(2, len(values) // 2))
        and all(len(value) <= _LONGEST_CHOICE for value in distinct)
        and not all(dates.looks_like_date(value) for value in distinct)
    )  # fmt: skip


def _dated(columns: Sequence[str], samples: Dictionary[str, list[str]], taken: set[str]) -> str | None:
    """The column whose cells are dates, where no name says so; the one named most like it where there are several."""
    fitting = [
        column for column in columns
        if column not in taken and not _PERSONAL.search(column) and len(samples[column]) >= _FEWEST_DATES
        and not any(_NUMBER.fullmatch(value) for value in samples[column])
        and sum(dates.looks_like_date(value) for value in samples[column]) >= MOSTLY * len(samples[column])
    ]  # fmt: skip
    named = [column for column in fitting if re.search(r"date|time|day|when|complet|submit|receiv", column, re.IGNORECASE)]
    return next(iter(named or fitting), None)


def _longest(columns: Sequence[str], samples: Dictionary[str, list[str]]) -> str | None:
    """The column with the longest cells that read like sentences."""
    longest = max(columns, key=lambda column: _free_text(samples[column]), default=None)
    return longest if longest is not None and _free_text(samples[longest]) > 0 else None


def _named_text(columns: Sequence[str], samples: Dictionary[str, list[str]]) -> str | None:
    """The column with the best-known name for comments where its cells are sentences, though few that come again and again.

    A short file in which people say the same looks like boxes that they ticked.
    """
    worded = [column for column in columns if _are_worded(samples[column])]
    return next((column for alias in map(normalise, FIELDS["text"]) for column in worded if normalise(column) == alias), None)


def _are_worded(values: Sequence[str]) -> bool:
    return bool(values) and sum(len(value.split()) >= 3 for value in values) >= 0.4 * len(values)


def _asks_where(columns: Sequence[str], samples: Dictionary[str, list[str]], taken: set[str]) -> str | None:
    """The column with the answers to 'Which ward do you live in?', where they are names and no sentences."""
    fitting = (column for column in columns if column not in taken and _WHERE.search(column))
    return next((column for column in fitting if samples[column] and not _free_text(samples[column])), None)


def _free_text(values: Sequence[str]) -> float:
    """Mean length where the cells read like sentences, else 0."""
    if not values or _is_closed(values):
        return 0.0
    links = sum(bool(_LINK.fullmatch(value)) for value in values)
    length = sum(map(len, values)) / len(values)
    dated = sum(dates.looks_like_date(value) for value in values)
    return length if _are_worded(values) and length >= 15 and links + dated < 0.5 * len(values) else 0.0
