"""Columns are suggested, shown, chosen and checked."""

import pytest

from commsapp.errors import BadInput
from commsapp.listening.columns import FIELDS, Mapping, check, consent_words, missing, normalise, somebody, suggest, with_choices

HEARD = "Had you heard of money mules before today?"


def rows(**columns: list[str]) -> list[dict[str, str]]:
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def test_names_match_whatever_their_case_spaces_and_marks() -> None:
    assert {normalise(name) for name in ("\ufeffComment Body", "comment_body", "COMMENT-BODY", "CommentBody")} == {"commentbody"}
    for field, aliases in FIELDS.items():
        for alias in aliases:
            assert getattr(suggest([f"\ufeff{alias.upper().replace(' ', '_')}"], []), field) is not None


def test_every_column_stands_somewhere_and_only_once() -> None:
    columns = ["Query Id", "Date", "Title", "Snippet", "Full Text", "Author", "Language", "City", "Gender", "Email"]
    found = suggest(columns, [])
    assert (found.text, found.date, found.language, found.area) == ("Full Text", "Date", "Language", "City")
    assert found.attributes == ("Gender",)
    assert sorted(found.columns()) == sorted(columns)
    assert {"Author", "Email", "Snippet", "Title"} <= set(found.left_out)


def test_a_wording_with_few_repeated_answers_is_a_question() -> None:
    sample = [
        {"id": str(n), HEARD: "Yes" if n % 3 else "No", "What worries you most?": f"Worry number {n} of mine"} for n in range(12)
    ]
    found = suggest(["id", HEARD, "What worries you most?"], sample)
    assert found.questions == (HEARD,)
    assert found.text == "What worries you most?"
    assert found.identity == "id"


@pytest.mark.parametrize(
    ("wording", "where"),
    [
        ("Which ward do you live in?", True),
        ("What area of town are you from?", True),
        ("Where do you live?", True),
        ("In which local council do you live?", True),
        ("What do you like about the area you live in?", False),
        ("How safe is the area where you live?", False),
    ],
)
def test_a_question_for_the_area_is_the_area(wording: str, where: bool) -> None:
    places = ["Castle", "Eastgate", "Riverside"] * 4
    found = suggest(["Comment", wording], [{"Comment": f"Worry number {n} of mine", wording: at} for n, at in enumerate(places)])
    assert (found.area, found.questions) == ((wording, ()) if where else (None, (wording,)))


@pytest.mark.parametrize(
    ("wording", "who"),
    [
        ("What is your age group?", True),
        ("How old are you?", True),
        ("Which of these best describes your ethnicity?", True),
        ("What gender are you?", True),
        ("Which of these matters most to people your age?", False),
        ("What is your view of the police?", False),
    ],
)
def test_a_question_about_the_person_is_an_attribute(wording: str, who: bool) -> None:
    found = suggest(["Comment", wording], [{"Comment": f"Worry number {n} of mine", wording: "abc"[n % 3]} for n in range(12)])
    assert (found.attributes, found.questions) == (((wording,), ()) if who else ((), (wording,)))


def test_a_file_of_ticks_only_has_no_text() -> None:
    found = suggest([HEARD], [{HEARD: answer} for answer in ["Yes", "No"] * 4])
    assert (found.text, found.questions) == (None, (HEARD,))


def test_comments_that_come_again_and_again_are_comments_where_there_is_nothing_else_to_read() -> None:
    same = ["Dealers at the station", "The bins again please"] * 2
    assert suggest(["id", "Comment"], rows(id=["1", "2", "3", "4"], Comment=same)).text == "Comment"
    assert suggest(["id", "Response"], rows(id=["1", "2", "3", "4"], Response=["Yes", "No"] * 2)).text is None
    asked = suggest(["Comment", HEARD], [{"Comment": text, HEARD: "Yes"} for text in same])
    assert (asked.text, asked.questions) == (None, (HEARD,))


def test_a_name_alone_does_not_make_a_field_that_would_fail_every_row() -> None:
    sample = rows(
        id=["1", "1", "2"], weight=["high", "low", "low"], date=["soon", "later", "never"],
        consent=["I agree", "I agree", "perhaps"],
        comment=["One long comment", "Two long comment", "Three of them"],
    )  # fmt: skip
    found = suggest(list(sample[0]), sample)
    assert (found.identity, found.weight, found.date, found.consent, found.text) == (None, None, None, None, "comment")
    assert set(found.left_out) == {"id", "weight", "date", "consent"}


def test_one_unknown_word_does_not_switch_consent_or_handling_off() -> None:
    sample = rows(
        Consent=["log, analyse", "maybe", "no"], Handling=["concern", "restricted", "open"],
        comment=["One long comment", "Two long comment", "Three of them"],
    )  # fmt: skip
    found = suggest(list(sample[0]), sample)
    assert (found.consent, found.handling, found.left_out) == ("Consent", "Handling", ())


@pytest.mark.parametrize(
    ("cell", "key"),
    [
        ("P-017", "P-017"),
        (" 4 ", "4"),
        ("0", "0"),
        ("Ann Other", "Ann Other"),
        ("Anonymous", ""),
        ("unknown caller", ""),
        ("N/A", ""),
        ("-", ""),
        ("name withheld", ""),
        ("Member of the public", ""),
        ("No", ""),
        ("Noah", "Noah"),
    ],
)
def test_who_is_not_known_is_nobody_and_not_one_person(cell: str, key: str) -> None:
    assert somebody(cell) == key


def test_a_column_in_which_most_rows_are_one_person_is_not_proposed_as_telling_them_apart() -> None:
    comments = [f"Long enough to be comment number {n}" for n in range(12)]
    panel = [f"P{n // 2}" for n in range(12)]
    assert suggest(["Person", "Comment"], rows(Person=panel, Comment=comments)).respondent == "Person"
    desk = ["Desk 1"] * 8 + ["Desk 2"] * 4
    assert suggest(["Caller", "Comment"], rows(Caller=desk, Comment=comments)).respondent is None
    unnamed = ["Anonymous"] * 9 + ["Ann", "Bob", "Cem"]
    assert suggest(["Caller", "Comment"], rows(Caller=unnamed, Comment=comments)).respondent == "Caller"


def test_a_column_of_levels_is_known_by_the_words_of_the_organisation_too() -> None:
    cells = rows(Comment=["Long enough to be one", "And so is this one"], Marking=["amber", "?"])
    assert suggest(["Comment", "Marking"], cells).handling is None
    own = {"open": "open", "official-sensitive": "Amber", "concern": "Red"}
    assert suggest(["Comment", "Marking"], cells, levels=own).handling == "Marking"
    assert "open, Amber, Red." in missing(set(), ["Marking"], levels=own)["handling"]


def test_that_nothing_tells_who_is_the_same_person_is_said() -> None:
    assert suggest(["Person", "Comment"], []).respondent == "Person"
    assert "each row counts as somebody else" in missing({"text"})["respondent"]
    assert "respondent" not in missing({"respondent"})


def test_a_column_of_consent_or_handling_that_is_not_read_so_is_said() -> None:
    sample = rows(Consent=["I agree", "perhaps"], Marking=["restricted", "secret"], comment=["One long comment", "Two long ones"])
    found = suggest(list(sample[0]), sample)
    said = missing(found.fields(), found.columns())
    assert "'Marking' is not read as who may read a row, so no concern in it is held back" in said["handling"]
    assert "'Consent' is not read as consent" in said["consent"]
    assert not {"consent", "handling"} & set(missing({"consent", "handling"}, found.columns()))
    assert not {"consent", "handling"} & set(missing(set(), ["comment"]))


@pytest.mark.parametrize(
    ("cell", "uses"),
    [
        ("log", ("log",)),
        ("quote", ("log", "analyse", "quote")),
        ("Publish", ("log", "analyse", "quote", "publish")),
        ("log, quote", ("log", "quote")),
        ("Yes", ("log", "analyse")),
        ("no", ("log",)),
        ("", ()),
        ("maybe", None),
        ("yes and no", None),
    ],
)
def test_consent_is_read_in_layers(cell: str, uses: tuple[str, ...] | None) -> None:
    assert consent_words(cell) == uses


def test_personal_columns_are_left_out_even_when_they_hold_the_longest_text() -> None:
    sample = [{"Home address": f"{n} Long Lane, Some Town, Some County", "Views": f"I think that {n} is bad"} for n in range(5)]
    found = suggest(["Home address", "Views"], sample)
    assert (found.text, found.left_out) == ("Views", ("Home address",))


def test_a_choice_moves_a_column_and_frees_the_one_before_it() -> None:
    suggested = Mapping(text="a", date="d", attributes=("b",), questions=("c",), left_out=("e f",))
    chosen = with_choices(suggested, [("text", "b"), ("attribute", "E_F"), ("skip", "d"), ("question", "a")])
    assert chosen == Mapping(text="b", attributes=("e f",), questions=("c", "a"), left_out=("d",))
    assert with_choices(suggested, {"text": ""}).text is None
    assert with_choices(suggested, {}) == suggested


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ([("colour", "a")], "no field 'colour'"),
        ([("text", "a"), ("text", "b")], "given twice"),
        ([("text", "a"), ("question", "a")], "'a' is chosen twice"),
    ],
)
def test_a_choice_that_means_nothing_is_refused(choices: list[tuple[str, str]], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        with_choices(Mapping(text="a"), choices)


def test_the_check_names_the_column_and_those_there_are() -> None:
    with pytest.raises(BadInput, match=r"no column 'Coment'\. The columns are: id, Comment"):
        check(Mapping(text="Coment"), ["id", "Comment"])
    with pytest.raises(BadInput, match="nothing to read"):
        check(Mapping(date="id", left_out=("Comment",)), ["id", "Comment"])
    check(Mapping(questions=("Comment",)), ["id", "Comment"])


def test_a_mapping_survives_json_and_nonsense_does_not() -> None:
    mapping = Mapping(text="a", attributes=("b", "c"), left_out=("d",))
    assert Mapping.from_json(mapping.to_json()) == mapping
    for stored in ({"colour": "a"}, {"text": 7}, {"attributes": "b"}, {"left_out": [1]}):
        with pytest.raises(BadInput):
            Mapping.from_json(stored)
