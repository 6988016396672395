import re
from dataclasses import replace
from datetime import date

import heard as sample
import html5lib
import pandas as pd
import pytest
from sqlalchemy import text

from commsapp.accounts import service as accounts
from commsapp.actor import Actor, HandlingLevel
from commsapp.errors import NotFound, Unavailable
from commsapp.evaluation import service as evaluation
from commsapp.listening import service as listening
from commsapp.listening.views import Summary, Wave
from commsapp.planning import service as planning
from commsapp.sharing import figures, lines, report
from commsapp.sharing import service as sharing
from commsapp.sharing.in_short import what_was_heard
from commsapp.storage.session import Sessions


@pytest.fixture
def heard(sessions, actor):
    found = sample.programme(sessions, actor)
    with sessions.writing() as session:
        planned = sample.campaign(session, actor, found, objective="More <b>people</b> have heard of it.")
        message = sample.message(session, actor, found, planned.id)
        planning.fix_expected_effect(session, actor, message_id=message.id, **sample.expectation(found))
    evaluation.measure_effect(sessions, actor, message_id=message.id)
    return found


@pytest.fixture
def page(sessions, actor, heard, tmp_path):
    with sessions.reading() as session:
        path = sharing.write_report(session, actor, programme_id=heard.programme_id, path=tmp_path / "out" / "report.html")
    return path.read_text("utf-8")


def test_the_report_is_one_valid_file_that_fetches_and_runs_nothing(page, tmp_path):
    html5lib.HTMLParser(strict=True).parse(page)
    assert "<script" not in page and "<link" not in page and "<img" not in page
    assert not re.search(r"""(?:src|href|url\()\s*=?\s*["']?\s*https?:""", page)
    assert [found.name for found in (tmp_path / "out").iterdir()] == ["report.html"], "no draft is left behind"


def test_the_report_tells_the_loop_from_what_was_heard_to_the_verdict(page):
    told = [
        "What people answered",
        "How it changed",
        "Your account is not for rent.",
        "In November, 40 % of people answered ‘Yes’",
        "should go up by 10 points by 28 February 2026",
        "It moved, but that is an association only",
        "fixed after the start",
        "Expected +10 points by 28 February 2026, measured +20 points",
        "Over the same time it went from 40 % to 42 %",
        "Arrests in Ash, 5 January 2026",
        "How it was measured",
    ]
    assert "This is made up" in page
    first, _, rest = page.partition("What was listened to")
    in_short = first.index("In short")
    assert in_short < first.index("1,200 responses came in") < first.index("It moved, but that is an association only")
    assert "It moved" in first and "fixed after the start" in first
    places = [rest.index(sentence) for sentence in told]
    assert places == sorted(places)
    assert page.count("<svg") == 1


def test_what_people_typed_is_never_markup(page):
    assert "More &lt;b&gt;people&lt;/b&gt; have heard of it." in page


def test_a_programme_without_anything_still_has_a_report(sessions, actor, tmp_path):
    with sessions.writing() as session:
        programme = listening.create_programme(session, actor, name="Empty")
        path = sharing.write_report(session, actor, programme_id=programme.id, path=tmp_path / "report.html")
        with pytest.raises(NotFound):
            sharing.write_report(session, actor, programme_id=999_999, path=tmp_path / "none.html")
    page = path.read_text("utf-8")
    assert "Nothing yet." in page and "made up" not in page


def test_a_report_that_cannot_be_written_says_where(sessions, actor, heard, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with sessions.reading() as session, pytest.raises(Unavailable, match="can't be written"):
        sharing.write_report(session, actor, programme_id=heard.programme_id, path=tmp_path / "file" / "report.html")


COLUMNS = ["measure", "item", "wave", "value", "low", "high", "n", "n_effective", "chosen"]


def _results(*figures: tuple[str, str, float, int], waves: tuple[str, ...] = ("", "November", "February")) -> pd.DataFrame:
    """The same figures (measure, item, value, n) for each wave, with an interval of five points each way."""
    rows = [
        (measure, item, wave, value, value - 0.05, value + 0.05, n, n, "share of feedback")
        for wave in waves
        for measure, item, value, n in figures
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _rendered(sessions: Sessions, actor: Actor, heard: sample.Heard, **other: object) -> str:
    """The report of the programme with other contents; it is valid."""
    with sessions.reading() as session:
        read = report.contents(session, actor, heard.programme_id)
    page = report.render(replace(read, **other))
    html5lib.HTMLParser(strict=True).parse(page)
    return page


def test_a_report_counts_open_responses_only_and_says_so_unless_more_is_asked_for(sessions, actor, heard, tmp_path):
    with sessions.writing() as session:
        session.execute(text("UPDATE response SET handling_level = 'official-sensitive' WHERE id % 3 = 0"))
        accounts.set_level_names(session, actor, {HandlingLevel.OFFICIAL_SENSITIVE: "Amber"})
    listening.store_results(sessions, actor, heard.programme_id)
    pages = {}
    for level in (HandlingLevel.OPEN, HandlingLevel.OFFICIAL_SENSITIVE):
        with sessions.reading() as session:
            path = report.write_report(session, actor, programme_id=heard.programme_id, path=tmp_path / level, level=level)
        pages[level] = path.read_text("utf-8")
    assert "It counts responses of these handling levels and no others: open." in pages[HandlingLevel.OPEN]
    assert "no others: open, Amber." in pages[HandlingLevel.OFFICIAL_SENSITIVE]
    assert "1,200 responses came in" in pages[HandlingLevel.OFFICIAL_SENSITIVE]
    assert "800 responses came in" in pages[HandlingLevel.OPEN]


def test_topics_and_tone_are_shown_with_intervals_and_what_was_not_coded(sessions, actor, heard):
    table = _results(("topic share", "Scams & <fraud>", 0.3, 90), ("topic share", "Drugs", 0.2, 90), ("tone", "", -0.2, 90))
    summary = Summary(responses=100, comments=100, topics=2, not_coded={"empty": 3, "language not read: cy": 7})
    page = _rendered(sessions, actor, heard, results=table, summary=summary)
    assert "10 of 100 comments could not be coded" in page
    assert page.index("language not read: Welsh: 7") < page.index("empty: 3")
    assert "Scams &amp; &lt;fraud&gt;" in page and "<fraud>" not in page
    assert "25 to 35 %" in page and "-0.25 to -0.15" in page
    assert page.count("<svg") == 3


def test_a_figure_behind_which_fewer_than_ten_responses_stand_is_neither_printed_nor_drawn(sessions, actor, heard):
    table = _results(("topic share", "Scams", 0.31, 10), ("topic share", "Drugs", 0.22, 9), ("tone", "", -0.44, 9))
    page = _rendered(sessions, actor, heard, results=table)
    assert page.count("fewer than 10 responses: not shown") == 6
    assert "31 %" in page and "22 %" not in page and "-0.44" not in page
    drawn = "".join(re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL))
    assert "Scams" in drawn and "Drugs" not in drawn


def test_the_report_begins_with_who_was_heard_what_about_and_in_which_tone(sessions, actor, heard):
    topics = [
        ("topic share", name, share, 90) for name, share in (("Waste", 0.1), ("Scams", 0.3), ("No topic", 0.4), ("Drugs", 0.2))
    ]
    felt = [
        *(("emotion share", name, share, 90) for name, share in (("neutral", 0.5), ("fear", 0.1), ("anger", 0.3), ("joy", 0.0))),
        ("unsure share", "", 0.2, 90),
    ]
    channels = pd.DataFrame({"channel": ["Inbox", "Survey", "Wall"], "responses": [90, 1200, 9]})
    more = dict.fromkeys(("kind", "chosen", "first", "last"), "") | {"comments": 0}
    page = _rendered(
        sessions,
        actor,
        heard,
        results=_results(*topics, ("tone", "", -0.2, 90), *felt),
        channels=channels.assign(**more),
        effects={},
    )
    in_short = " ".join(page.partition("In short")[2].partition("<h2>")[0].split())
    assert re.findall(r"<p>(.*?)</p>", in_short) == [
        "1,299 responses came in through 3 channels: Survey (1,200), Inbox (90) and Wall (fewer than 10).",
        "In 90 responses whose comments were coded the largest topics are, as shares of the feedback and not of people, "
        "‘Scams’ with 30 % (95 % interval 25 to 35 %), ‘Drugs’ with 20 % (95 % interval 15 to 25 %) and "
        "‘Waste’ with 10 % (95 % interval 5 to 15 %).",
        "The tone of the feedback is -0.2 on a scale from -1 to 1 (90 responses, 95 % interval -0.25 to -0.15); that is not "
        "approval: anger at dealers is not anger at the police.",
        "Emotions heard most in the feedback are anger in 30 % (95 % interval 25 to 35 %) and fear in 10 % (95 % interval 5 to "
        "15 %) of 90 responses; one comment may have several.",
        "Of 20 % of the feedback the model is not sure how it sounds (95 % interval 15 to 25 %).",
    ]


def test_shares_of_a_drawn_sample_are_called_shares_of_people_at_the_beginning_too():
    channels = pd.DataFrame({"channel": ["Survey"], "responses": [90]})
    drawn = _results(("topic share", "Scams", 0.3, 90), waves=("",)).assign(chosen="share of people")
    assert what_was_heard(channels, drawn) == [
        "90 responses came in through one channel, Survey.",
        "In 90 responses whose comments were coded the largest topic is, as shares of people, ‘Scams’ with 30 % "
        "(95 % interval 25 to 35 %).",
    ]


def test_from_fewer_than_ten_responses_the_beginning_says_no_figure():
    few = _results(("topic share", "Scams", 0.3, 9), ("tone", "", -0.2, 9), waves=("",))
    channels = pd.DataFrame({"channel": ["Inbox"], "responses": [9]})
    assert what_was_heard(channels, few) == ["Fewer than 10 responses came in, too few for any figure."]
    assert what_was_heard(channels.iloc[:0], few.iloc[:0]) == []


def test_what_else_happened_is_numbered_in_each_chart_and_named_below_it(sessions, actor, heard, page):
    figure = page.partition("How it changed")[2].partition("</figure>")[0]
    drawn, _, below = figure.partition("</svg>")
    written = re.findall(r"<text[^>]*>(.*?)</text>", drawn)
    assert "1" in written and not [words for words in written if "Arrests" in words]
    assert re.findall(r"<li>(.*?)</li>", below) == ["Arrests (Ash): 5 January 2026"], "what lies outside the waves is left out"


def test_an_effect_and_a_citation_that_rest_on_few_responses_are_not_shown(sessions, actor, heard):
    with sessions.reading() as session:
        read = report.contents(session, actor, heard.programme_id)
    [(message_id, effect)] = read.effects.items()
    few = replace(effect, table=effect.table.assign(n=9))
    page = report.render(replace(read, effects={message_id: few}))
    html5lib.HTMLParser(strict=True).parse(page)
    assert effect.headline in page
    assert "Its figures: fewer than 10 responses: not shown." in page
    assert "measured +20 points" not in page


def test_the_report_says_first_that_a_verdict_is_provisional_and_last_whom_it_is_for(sessions, actor, heard):
    with sessions.reading() as session:
        read = report.contents(session, actor, heard.programme_id)
    effects = {number: replace(effect, provisional="This is provisional.") for number, effect in read.effects.items()}
    page = report.render(replace(read, effects=effects))
    assert page.count("This is provisional.") == 2, "in short, and at the verdict"
    assert "made for use inside the organisation, until disclosure checks exist" in page.partition("<footer>")[2]


def test_a_chart_over_waves_keeps_to_as_many_lines_as_can_be_told_apart():
    waves = [Wave(1, "One", date(2026, 1, 1), date(2026, 1, 31))]
    rows = [("One", f"T{n}", n / 20, 0.0, 1.0, "share of feedback") for n in range(12)]
    table = pd.DataFrame(rows, columns=["wave", "item", "value", "low", "high", "chosen"])
    chart, notes = figures.waves_chart(table, waves, measure="topic share")
    names = [row["item"] for row in chart.to_dict()["datasets"].popitem()[1]]
    assert names == [f"T{n}" for n in range(11, 11 - lines.MOST_LINES, -1)], "the largest first"
    assert notes == ()
