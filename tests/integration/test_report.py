import re
from dataclasses import replace

import heard as sample
import html5lib
import pandas as pd
import pytest

from commsapp.errors import NotFound, Unavailable
from commsapp.evaluation import service as evaluation
from commsapp.listening import service as listening
from commsapp.listening.views import Summary, Wave
from commsapp.planning import service as planning
from commsapp.sharing import figures, report
from commsapp.sharing import service as sharing


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
    assert first.index("In short") < first.index("It moved, but that is an association only")
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


def test_topics_and_tone_are_shown_with_intervals_and_what_was_not_coded(sessions, actor, heard):
    rows = []
    for wave in ("", "November", "February"):
        for measure, item, value in (("topic share", "Scams & <fraud>", 0.3), ("topic share", "Drugs", 0.2), ("tone", "", -0.2)):
            rows.append((measure, item, wave, value, value - 0.05, value + 0.05, 90, 88.4, "share of feedback"))
    table = pd.DataFrame(rows, columns=["measure", "item", "wave", "value", "low", "high", "n", "n_effective", "chosen"])
    with sessions.reading() as session:
        read = report.contents(session, actor, heard.programme_id)
    summary = Summary(responses=100, comments=100, topics=2, not_coded={"empty": 3, "language not read": 7})
    page = report.render(report.Contents(**(vars(read) | {"results": table, "summary": summary})))
    html5lib.HTMLParser(strict=True).parse(page)
    assert "10 of 100 comments could not be coded" in page
    assert page.index("language not read: 7") < page.index("empty: 3")
    assert "Scams &amp; &lt;fraud&gt;" in page and "<fraud>" not in page
    assert "25 % to 35 %" in page and "-0.25 to -0.15" in page
    assert page.count("<svg") == 3


def test_a_figure_behind_which_fewer_than_ten_responses_stand_is_neither_printed_nor_drawn(sessions, actor, heard):
    rows = []
    for wave in ("", "November", "February"):
        for item, value, n in (("Scams", 0.31, 10), ("Drugs", 0.22, 9)):
            rows.append(("topic share", item, wave, value, value - 0.05, value + 0.05, n, n, "share of feedback"))
    table = pd.DataFrame(rows, columns=["measure", "item", "wave", "value", "low", "high", "n", "n_effective", "chosen"])
    with sessions.reading() as session:
        read = report.contents(session, actor, heard.programme_id)
    page = report.render(report.Contents(**(vars(read) | {"results": table})))
    html5lib.HTMLParser(strict=True).parse(page)
    assert page.count("fewer than 10 responses: not shown") == 3
    assert "31 %" in page and "22 %" not in page
    drawn = "".join(re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL))
    assert "Scams" in drawn and "Drugs" not in drawn


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
    waves = [Wave(1, "One", pd.Timestamp("2026-01-01").date(), pd.Timestamp("2026-01-31").date())]
    rows = [{"wave": "One", "item": f"T{n}", "value": n / 20, "low": 0.0, "high": 1.0, "n": 10} for n in range(12)]
    chart = figures.waves_chart(pd.DataFrame(rows), waves, measure="topic share")
    names = {row["item"] for row in chart.to_dict()["datasets"].popitem()[1]}
    assert names == {f"T{n}" for n in range(12 - figures.AT_MOST, 12)}
