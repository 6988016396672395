"""Playbooks and the sample programme: what ships is sound, and what is wrong is said with file, line and field."""

import shutil
from datetime import date

import pytest

from commsapp import bundled
from commsapp.errors import BadInput
from commsapp.planning.playbooks import load_approaches, load_behaviours, load_playbooks
from commsapp.planning.sample import load_sample, sample_folder


@pytest.fixture
def folder(tmp_path):
    shutil.copy(bundled.campaigns() / "approaches.yaml", tmp_path)
    shutil.copytree(bundled.campaigns() / "playbooks", tmp_path / "playbooks")
    return tmp_path


@pytest.fixture
def sample(tmp_path):
    return shutil.copytree(sample_folder(), tmp_path / "sample")


def change(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_every_approach_has_a_playbook_and_every_behaviour_is_worked_on():
    playbooks = load_playbooks()
    assert {playbook.approach for playbook in playbooks} == {approach.id for approach in load_approaches()}
    assert {name for playbook in playbooks for name in playbook.behaviours} == {each.id for each in load_behaviours()}


def test_the_four_approaches_and_six_behaviours_of_the_briefing_ship():
    assert [each.title for each in load_approaches()] == [
        "Threat awareness",
        "Deterrence",
        "Community engagement",
        "Market intervention",
    ]
    assert [each.id for each in load_behaviours()] == ["join", "facilitate", "procure", "recognise", "report", "protect"]
    deterrence = next(each for each in load_approaches() if each.id == "deterrence")
    assert deterrence.behaviours == ("join", "facilitate", "procure")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "approach: deterrence",
            "approach: deterence",
            "line 3: field 'approach' is 'deterence', but approaches.yaml knows only",
        ),
        ("behaviours: [facilitate]", "behaviours: [report]", "line 4: field 'behaviours' holds 'report'"),
        ("title: Lending a bank", "titel: Lending a bank", "line 2: field 'titel' is not a field that is known here."),
        ("for_whom: >-", "whom: >-", "field 'for_whom' is missing."),
        ("direction: up", "direction: sideways", "field 'measures.1.direction' must be 'up' or 'down'."),
        ("review_by: 2027-06-30", "review_by: soon", "field 'review_by'"),
        ("result: answer share", "result: fame", "field 'measures.1.result' must be"),
        ("effect: good", "effect: superb", "field 'evidence.1.grade.effect' must be"),
        ("title: Lending a bank account to criminals", "title: ''", "line 2: field 'title' is empty."),
        ("approach: deterrence", "approach: deterrence\napproach: deterrence", "line 4: field 'approach' stands there twice."),
        ("approach: deterrence", "approach: [", "this is not YAML"),
        ("id: not-your-account", "id: you-said-we-did", "field 'id' is 'you-said-we-did', which another playbook has already"),
    ],
)
def test_a_mistake_in_a_playbook_is_said_with_file_line_and_field(folder, old, new, says):
    # the file is renamed so that it's read last, after the playbook whose id it takes in the last case
    path = (folder / "playbooks" / "not-your-account.yaml").rename(folder / "playbooks" / "zz.yaml")
    change(path, old, new)
    with pytest.raises(BadInput) as raised:
        load_playbooks(folder)
    assert str(raised.value).startswith("zz.yaml, line ")
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


def test_each_mistake_has_its_own_sentence(folder):
    path = folder / "playbooks" / "not-your-account.yaml"
    change(path, "direction: up", "direction: sideways")
    change(path, "review_by: 2027-06-30", "review_by: soon")
    with pytest.raises(BadInput, match=r"direction.*\. not-your-account\.yaml, line \d+: field 'review_by'"):
        load_playbooks(folder)


@pytest.mark.parametrize("text", [b"", b"just words", b"- a\n- list", b"\xff\xfe\x00\x01", b"a: \x07"])
def test_a_file_that_is_no_playbook_is_refused_by_name(folder, text):
    (folder / "playbooks" / "odd.yaml").write_bytes(text)
    with pytest.raises(BadInput, match=r"^odd\.yaml"):
        load_playbooks(folder)


def test_an_approach_that_works_on_an_unknown_behaviour_is_refused(folder):
    change(folder / "approaches.yaml", "behaviours: [join,", "behaviours: [jion,")
    with pytest.raises(BadInput, match=r"approaches\.yaml, line \d+: .* holds 'jion'"):
        load_playbooks(folder)


def test_a_folder_without_playbooks_says_what_to_do(folder):
    shutil.rmtree(folder / "playbooks")
    with pytest.raises(BadInput, match=r"Put a \.yaml file there"):
        load_playbooks(folder)


def test_the_sample_says_that_it_is_made_up_and_fits_its_playbook():
    sample = load_sample()
    assert sample.made_up
    assert "made up" in sample.statement
    playbook = next(each for each in load_playbooks() if each.id == sample.campaign.playbook)
    assert playbook.approach == sample.campaign.approach
    assert sample.campaign.behaviour in playbook.behaviours
    assert len(sample.areas) == 10
    assert sample.campaign.expected.by == date(2026, 2, 28)


def test_the_sample_has_the_areas_waves_and_question_of_its_survey():
    sample = load_sample()
    survey = (sample_folder() / "survey.csv").read_text(encoding="utf-8").splitlines()
    assert sample.campaign.expected.question in survey[0]
    assert {line.split(",")[2] for line in survey[1:]} == {area.name for area in sample.areas}
    days = {date.fromisoformat(line.split(",")[1]) for line in survey[1:]}
    assert all(any(wave.start <= day <= wave.end for wave in sample.waves) for day in days)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("made_up: true", "made_up: false", "line 2: field 'made_up'"),
        ("areas: [Eastgate, Dunmarsh]", "areas: [Eastgate, Dunwich]", "field 'context_events.1.areas' names the area 'Dunwich'"),
        ("wave_after: February 2026", "wave_after: May 2026", "field 'campaign.expected.wave_after' names a wave"),
        ("file: hotline.csv", "file: hotlines.csv", "names hotlines.csv, which is not beside it"),
        ("file: hotline.csv", "file: ../hotline.csv", "field 'channels.4.file'"),
        ("end: 2026-01-31", "end: 2025-01-31", "field 'campaign.end' lies before its start"),
    ],
)
def test_a_mistake_in_the_sample_is_said_with_file_line_and_field(sample, old, new, says):
    change(sample / "sample.yaml", old, new)
    with pytest.raises(BadInput) as raised:
        load_sample(sample)
    assert str(raised.value).startswith("sample.yaml, line ")
    assert says in str(raised.value)
