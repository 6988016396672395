from __future__ import annotations

import html
import re
from pathlib import Path
from urllib.parse import urlencode

import heard
import pandas as pd
import pytest
import said
from page_client import PageClient, page_client
from pages_site import Site, open_site
from sqlalchemy import select

from commsapp.actor import Actor
from commsapp.errors import BadInput
from commsapp.listening import service as listening
from commsapp.storage import jobs, responses, search
from commsapp.storage.session import Sessions


@pytest.fixture
def site(tmp_path: Path, sqlite_template: Path) -> Site:
    return open_site(tmp_path, sqlite_template)


@pytest.fixture
def client(site: Site) -> PageClient:
    return page_client(site.app)


@pytest.fixture
def filled(site: Site) -> heard.Heard:
    """A programme with comments in two topics and answers to one question."""
    made = heard.programme(site.sessions, site.actor)
    said.add(site.sessions, site.actor, made.programme_id)
    return made


def text_of(client: PageClient, path: str, **asked: str) -> str:
    """The words of a page, without its markup."""
    page = client.get(f"{path}?{urlencode(asked)}" if asked else path)
    assert page.status_code == 200
    body = page.get_data(as_text=True).partition("<main")[2].partition("</main>")[0]
    words = html.unescape(re.sub(r"<script.*?</script>|<[^>]+>", " ", body, flags=re.DOTALL)).replace("\u00a0", " ")
    return " ".join(words.split())


def address(made: heard.Heard, rest: str = "listening") -> str:
    return f"/programmes/{made.programme_id}/{rest}"


def empty_programme(site: Site) -> int:
    with site.sessions.writing() as session:
        return listening.create_programme(session, site.actor, name="Empty").id


def test_a_programme_in_which_nothing_was_heard_leads_to_the_import(client: PageClient, site: Site) -> None:
    number = empty_programme(site)
    page = client.get(f"/programmes/{number}/listening").get_data(as_text=True)

    assert "Nothing was heard yet" in page
    assert f'href="/programmes/{number}/import"' in page


def test_what_was_not_analysed_yet_is_counted_and_one_button_starts_it(
    client: PageClient, site: Site, filled: heard.Heard
) -> None:
    with site.sessions.writing() as session:
        other = listening.create_programme(session, site.actor, name="Waiting")
        heard._survey(session, site.actor, other.id, {said.BEFORE: {"Ash": 0.4}})
    path = f"/programmes/{other.id}/listening"
    assert "150 responses with 0 comments wait to be analysed" in text_of(client, path)

    answer = client.post(f"{path}/analyse", data={"csrf_token": client.token(path)})
    [job] = site.job_ids("queued")
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/jobs/{job}"


def test_the_overview_says_how_many_were_heard_and_why_some_were_set_aside(client: PageClient, filled: heard.Heard) -> None:
    text = text_of(client, address(filled))

    assert "47 comments: 46 read and sorted, 1 set aside" in text
    assert "language not read: Welsh: 1" in text
    assert "This is a made-up place" in client.get(address(filled)).get_data(as_text=True)


def test_topics_stand_largest_first_with_share_tone_and_n_and_no_topic_last(client: PageClient, filled: heard.Heard) -> None:
    text = text_of(client, address(filled))

    places = [text.index(name) for name in ("Scam calls", "Waste", "No topic", "All topics together")]
    assert places == sorted(places)
    assert re.search(r"Scam calls Plan a message on Scam calls 65 % \(51 to 77 %\) of feedback, n = 46 −0\.75 \(", text)
    assert "not of people" in text
    assert "It is the tone of the feedback, not approval" in text


def test_answers_show_shares_of_people_with_intervals_and_lead_to_a_message(client: PageClient, filled: heard.Heard) -> None:
    text = text_of(client, address(filled))

    assert heard.QUESTION in text
    assert re.search(r"Yes 46 % \(43 to 48 %\) of people, n = 1,200 Plan a message on ‘Yes’", text)
    assert re.search(r'href="/results/\d+/plan"', client.get(address(filled)).get_data(as_text=True))


def test_filters_narrow_every_figure_and_stay_in_links(client: PageClient, filled: heard.Heard) -> None:
    asked = {"wave": "November", "area": "Ash", "segment": "age = 25+"}
    page = client.get(f"{address(filled)}?{urlencode(asked)}").get_data(as_text=True)

    assert "Only: <strong>November, Ash, age: 25+</strong>" in page
    assert f"topics/0?{html.escape(urlencode(asked))}" in page
    assert f"set-aside?{html.escape(urlencode(asked))}" in page
    assert '<option value="November" selected>' in page
    assert re.search(r'>Clear<span class="govuk-visually-hidden"> the filters', page)


def test_a_few_comments_are_shown_with_the_advice_not_to_quote_them(client: PageClient, filled: heard.Heard) -> None:
    text = text_of(client, address(filled), wave="February")

    assert "Fewer than 10 comments stand behind these figures" in text
    assert "Tone of fewer than 10: don’t quote" in text
    assert "5 read and sorted" in text
    assert "Fewer than 10 comments" not in text_of(client, address(filled), wave="November")


@pytest.mark.parametrize("asked", [{"wave": "Never"}, {"area": "Nowhere"}, {"segment": "age = 90"}, {"segment": "shoe = 44"}])
def test_filters_that_nothing_fits_say_so_and_can_be_cleared(
    client: PageClient, filled: heard.Heard, asked: dict[str, str]
) -> None:
    text = text_of(client, address(filled), **asked)

    assert "Nothing that was heard fits" in text
    assert "Clear the filters" in text


@pytest.mark.parametrize(
    ("chart", "title"),
    [
        ("", "The 2 largest topics over the waves"),
        ("topic Waste", "‘Waste’ over the waves"),
        ("tone", "Tone over the waves"),
        (f"question {heard.QUESTION}", f"‘{heard.QUESTION}’ over the waves"),
        ("nonsense", "The 2 largest topics over the waves"),
    ],
)
def test_the_chart_shows_what_was_chosen_with_its_table_and_what_else_happened(
    client: PageClient, filled: heard.Heard, chart: str, title: str
) -> None:
    text = text_of(client, address(filled), chart=chart, area="Ash")

    assert f"{title} (Ash)" in text
    assert "Arrests (Ash): 5 January 2026" in text
    assert "Long ago" not in text
    assert "1 November 2025 to 30 November 2025" in text


def test_one_wave_alone_is_said_and_not_drawn(client: PageClient, filled: heard.Heard) -> None:
    page = client.get(f"{address(filled, 'listening')}?chart=topic+Waste&area=Birch").get_data(as_text=True)

    assert "This was heard in one wave only; a second one will show whether it changes." in page
    assert "data-chart-spec" not in page


def test_a_wave_that_was_removed_leaves_the_chart(client: PageClient, site: Site, filled: heard.Heard) -> None:
    assert filled.after_wave_id is not None
    with site.sessions.writing() as session:
        listening.remove_wave(session, site.actor, filled.programme_id, filled.after_wave_id)

    for chart in ("topics", f"question {heard.QUESTION}"):
        assert "This was heard in one wave only" in text_of(client, address(filled), chart=chart)


def test_events_in_other_areas_are_left_out_of_the_chart(client: PageClient, filled: heard.Heard) -> None:
    assert "Arrests" not in text_of(client, address(filled), area="Birch")


@pytest.mark.parametrize("granularity", ["coarse", "medium", "fine"])
def test_topics_are_found_again_at_the_granularity_that_was_asked_for(
    client: PageClient, site: Site, filled: heard.Heard, granularity: str
) -> None:
    path = address(filled)
    token = client.token(path)
    page = client.post(f"{path}/analyse", data={"csrf_token": token, "granularity": granularity}, follow_redirects=True)

    assert page.status_code == 200
    with site.sessions.reading() as session:
        [job] = jobs.recent_jobs(session, site.actor)
    assert job.arguments == {"programme_id": filled.programme_id, "granularity": granularity}


def test_a_granularity_that_does_not_exist_starts_nothing(client: PageClient, site: Site, filled: heard.Heard) -> None:
    path = address(filled)
    page = client.post(f"{path}/analyse", data={"csrf_token": client.token(path), "granularity": "huge"})

    assert page.status_code == 422
    assert not site.job_ids("queued")


def test_a_topic_shows_what_people_said_in_their_words_with_its_translation(client: PageClient, filled: heard.Heard) -> None:
    text = text_of(client, address(filled, "topics/0"), wave="February")

    assert "Words that mark it: bank, phone." in text
    assert "Dzwonili z banku In English (translated by Ola): They rang from the bank" in text
    assert "10 February 2026 · Ash · Inbox · Polish · coded from the translation" in text
    assert "Negative Heard: anger, fear May be quoted" in text


def test_a_comment_says_when_it_is_sensitive_or_may_be_quoted(client: PageClient, filled: heard.Heard) -> None:
    pages = "".join(text_of(client, address(filled, "topics/0"), page=str(number)) for number in (1, 2))

    assert re.search(
        r"My cousin did it 10 November 2025 · Ash · Inbox · English .{0,90}Negative Heard: anger, fear Official-sensitive", pages
    )


def test_what_people_typed_is_never_markup(client: PageClient, filled: heard.Heard) -> None:
    pages = "".join(client.get(address(filled, f"topics/0?page={number}")).get_data(as_text=True) for number in (1, 2))

    assert "&lt;script&gt;alert(" in pages
    assert "<script>alert(" not in pages


def test_comments_come_in_pages_whose_links_keep_the_filters(client: PageClient, filled: heard.Heard) -> None:
    page = client.get(f"{address(filled, 'topics/0')}?area=Ash&tone=negative").get_data(as_text=True)

    assert "30\u00a0comments (Ash, negative)" in page
    assert re.search(r'href="[^"]*topics/0\?page=2&amp;area=Ash&amp;tone=negative#comments"', page)


def test_comments_of_another_tone_are_left_out(client: PageClient, filled: heard.Heard) -> None:
    text = text_of(client, address(filled, "topics/1"), tone="positive")

    assert "No comment fits positive" in text
    assert "12 comments" in text_of(client, address(filled, "topics/1"), tone="neutral")


def test_what_is_felt_stands_with_interval_and_n_and_the_unsure_beside_the_tone(client: PageClient, filled: heard.Heard) -> None:
    text = text_of(client, address(filled))
    felt = text.partition("What is felt How much")[2]

    assert "the shares don’t add up to 100 %" in felt
    assert "not what people think of the police" in felt
    assert felt.index("Anger 65 % (51 to 77 %)") < felt.index("Joy 9 % (3 to 20 %)") < felt.index("No emotion (neutral) 0 %")
    assert "of feedback, n = 46" in felt
    assert "Not sure of the tone of 26 % (16 to 40 %)" in text
    assert "Anger 10" not in text_of(client, address(filled), area="Birch")
    assert "Not sure of the tone of 100 %" in text_of(client, address(filled), area="Birch")


def test_what_is_felt_is_drawn_over_the_waves_when_it_is_asked_for(client: PageClient, filled: heard.Heard) -> None:
    text = text_of(client, address(filled), chart="felt", area="Ash")

    assert "What is felt over the waves (Ash)" in text
    table = text.partition("Figures as a table")[2]
    assert "anger" in table
    assert "joy" in table


def test_a_topic_has_what_is_felt_about_it_where_ten_spoke(client: PageClient, filled: heard.Heard) -> None:
    scams = text_of(client, address(filled, "topics/0"))

    assert "How much of the feedback on this topic each emotion is heard in." in scams
    assert "Anger 100 %" in scams
    assert "Joy 0 %" in scams
    assert "What is felt" not in text_of(client, address(filled, "topics/-1"))  # four comments
    assert "Not sure of the tone of 100 %" in text_of(client, address(filled, "topics/1"))


def test_comments_with_an_emotion_can_be_read_alone_and_each_says_what_is_heard_and_where_the_model_is_unsure(
    client: PageClient, filled: heard.Heard
) -> None:
    angry = text_of(client, address(filled, "topics/0"), emotion="anger")

    assert "30 comments (anger), those that fit the topic best first." in angry
    assert "Negative Heard: anger, fear" in angry
    assert "No comment fits joy." in text_of(client, address(filled, "topics/0"), emotion="joy")
    assert "Neutral (unsure)" in text_of(client, address(filled, "topics/1"))
    assert "Why?" in angry


def test_no_topic_is_honest_about_what_it_is_and_offers_no_message(client: PageClient, filled: heard.Heard) -> None:
    text = text_of(client, address(filled, "topics/-1"))

    assert "nothing that fits one of the topics" in text
    assert "Thank you, number 3" in text
    assert "Plan a message" not in text


def test_a_topic_that_is_gone_says_where_to_look(client: PageClient, site: Site, filled: heard.Heard) -> None:
    for path in (address(filled, "topics/7"), f"/programmes/{empty_programme(site)}/topics/-1"):
        page = client.get(path)
        assert page.status_code == 404
        assert "There is no such topic." in page.get_data(as_text=True)


def test_comments_that_were_set_aside_can_be_read_with_the_reason(client: PageClient, site: Site, filled: heard.Heard) -> None:
    text = text_of(client, address(filled, "set-aside"))

    assert "Maen nhw'n ffonio o hyd" in text
    assert "Language not read: Welsh : 1" in text
    assert "Set aside: language not read: Welsh" in text
    why = text_of(client, address(filled, "set-aside"), reason="language not read: cy")
    assert "1 comment: language not read: Welsh" in why
    assert "Show all 1" in why
    assert "No comment that was set aside fits empty" in text_of(client, address(filled, "set-aside"), reason="empty")
    assert "No comment that was set aside fits Birch" in text_of(client, address(filled, "set-aside"), area="Birch")
    assert "No comment was set aside" in text_of(client, f"/programmes/{empty_programme(site)}/set-aside")


def test_what_was_said_is_searched_with_the_filters_and_on_pages(client: PageClient, site: Site, filled: heard.Heard) -> None:
    with site.sessions.writing() as session:
        search.index(session, session.scalars(select(responses.Comment.id)))
    assert 'action="/programmes' in client.get(address(filled, "listening")).get_data(as_text=True)
    assert "A comment is found when it has all the words" in text_of(client, address(filled, "search"))
    page = client.get(f"{address(filled, 'search')}?words=thank").get_data(as_text=True)
    assert "Thank you, number 3" in page and "<h2" in page
    many = client.get(f"{address(filled, 'search')}?words=bank+-nothing&area=Ash").get_data(as_text=True)
    assert re.search(r"\d+.comments have ‘bank -nothing’ \(Ash\)", html.unescape(many).replace("\u00a0", " "))
    assert re.search(r'href="[^"]*search\?page=2&amp;area=Ash&amp;words=bank\+-nothing#comments"', many)
    none = text_of(client, address(filled, "search"), words='"<script>alert(1)</script> AND (', area="Birch")
    assert "0 comments have" in none and "clear the filters" in none
    secret = text_of(client, address(filled, "search"), words="cousin")
    assert "My cousin did it" in secret


def test_a_programme_that_is_not_there_is_not_found(client: PageClient) -> None:
    for rest in ("listening", "topics/0", "set-aside", "search", "campaigns"):
        assert client.get(f"/programmes/99/{rest}").status_code == 404


def test_comments_that_came_later_are_announced_with_a_button(client: PageClient, site: Site, filled: heard.Heard) -> None:
    with site.sessions.writing() as session:
        channel = listening.channels(session, site.actor, filled.programme_id)[0]
        areas = {area.name: area.id for area in listening.areas(session, site.actor, filled.programme_id)}
        said.store(session, site.actor, filled.programme_id, channel.id, areas, 900, {"original": "New one"})

    assert "1 comment came in after this analysis and is not in these figures." in text_of(client, address(filled))


def test_the_tone_of_each_topic_is_its_own_and_narrows_with_the_cell(sessions: Sessions, actor: Actor) -> None:
    made = heard.programme(sessions, actor)
    said.add(sessions, actor, made.programme_id)
    where = {"measure": "topic tone", "wave": "", "segment": ""}
    with sessions.reading() as session:
        tones = listening.frozen_results(session, actor, made.programme_id, area="", **where).set_index("item")
        narrowed = listening.frozen_results(session, actor, made.programme_id, area="Birch", **where)

    assert tones["n"].to_dict() == {"No topic": 4, "Scam calls": 30, "Waste": 12}
    assert tones.loc["Scam calls", "value"] == pytest.approx(0.05 - 0.8)
    assert tones.loc["No topic", "value"] > 0
    assert tones["not_coded"].tolist() == 3 * [{"language not read: cy": 1}]  # comments on other topics are not missing here
    assert narrowed["item"].tolist() == ["Waste"]


def test_a_mixed_programme_can_be_looked_at_channel_by_channel(client: PageClient, site: Site, filled: heard.Heard) -> None:
    chosen = {"segment": "feedback channel = Survey"}
    words = text_of(client, address(filled), **chosen)
    assert "Only: feedback channel: Survey" in words
    assert "of people, n = 1,200" in words
    assert "of feedback" not in words.partition("What people answered")[2]
    inbox = text_of(client, address(filled, f"topics/{said.SCAMS}"), segment="feedback channel = Inbox")
    assert "30 comments (feedback channel: Inbox)" in inbox
    with site.sessions.reading() as session:
        page = listening.comments_page(session, site.actor, filled.programme_id, segment="feedback channel = Survey")
    assert page.total == 0


def test_areas_taken_together_are_followed_over_the_waves(sessions: Sessions, actor: Actor) -> None:
    made = heard.programme(sessions, actor, after=0.6)
    places = {"campaign": heard.CAMPAIGN_AREAS, "others": ("Cedar", "Dale")}
    with sessions.reading() as session:
        table = listening.over_waves(session, actor, made.programme_id, measure="answer share", item=heard.ITEM, places=places)
        with pytest.raises(BadInput, match="can't be shown over waves"):
            listening.over_waves(session, actor, made.programme_id, measure="comments", places=places)

    shares = {(row["wave"], row["item"]): (row["value"], row["n"]) for row in table.to_dict("records")}
    assert shares[("November", "campaign")] == (pytest.approx(0.4), 300)
    assert shares[("February", "campaign")] == (pytest.approx(0.6), 300)
    assert shares[("February", "others")] == (pytest.approx(0.42), 300)
    assert pd.Series(table["low"] < table["value"]).all()
