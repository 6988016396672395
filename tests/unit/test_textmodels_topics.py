"""Topics: found once whatever the order, named readably, given by one rule, kept in a folder."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from commsapp.errors import BadInput
from commsapp.textmodels.clusters import LeidenClusters, Resolution, largest_first, merge_small, prototypes, similarities
from commsapp.textmodels.codebook import make_codebook
from commsapp.textmodels.phrases import candidates, choose, spell, spellings, unique_names
from commsapp.textmodels.stability import FAIR, FIRM, in_words
from commsapp.textmodels.topics import CodebookDraft, assign, discover, granularity_of, load_codebook, save_codebook

WORDS = {
    "scam": ["A caller from my bank wanted my {}", "Fake bank text about my {}", "The scam caller asked for my {}"],
    "waste": ["Fridges and {} dumped in the lane", "Fly tipping of {} by the river", "Rubbish and {} dumped at night"],
    "dealing": ["Drugs sold by the {}", "Drug dealers stand at the {}", "Cocaine deals near the {}"],
}
FILLERS = {
    "scam": ["card", "password", "savings", "pension", "account number", "code", "address", "transfer"],
    "waste": ["mattresses", "tyres", "sofas", "builders' bricks", "garden waste", "paint tins", "asbestos", "bags"],
    "dealing": ["school", "station", "park", "shops", "playground", "club", "bridge", "bus stop"],
}
TEXTS = [pattern.format(filler) for kind, patterns in WORDS.items() for pattern in patterns for filler in FILLERS[kind]]
KIND = [kind for kind, patterns in WORDS.items() for _ in patterns for _ in FILLERS[kind]]


@pytest.fixture(scope="module")
def vectors(encoder) -> np.ndarray:  # type: ignore[no-untyped-def]
    return encoder.encode(TEXTS)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def codebook(vectors: np.ndarray, encoder) -> CodebookDraft:  # type: ignore[no-untyped-def]
    return discover(TEXTS, vectors, encoder=encoder)


def test_texts_about_three_things_give_topics_that_keep_them_apart(codebook: CodebookDraft, vectors: np.ndarray) -> None:
    topic = assign(codebook, vectors).topic
    assert 3 <= len(codebook.topics) <= 8
    for number in range(len(codebook.topics)):
        kinds = [KIND[row] for row in np.flatnonzero(topic == number)]
        assert max(map(kinds.count, set(kinds))) >= 0.8 * len(kinds)


def test_the_order_of_the_texts_makes_no_difference(codebook: CodebookDraft, vectors: np.ndarray, encoder) -> None:  # type: ignore[no-untyped-def]
    order = np.random.default_rng(1).permutation(len(TEXTS))
    again = discover([TEXTS[k] for k in order], vectors[order], encoder=encoder)
    assert again.version == codebook.version


def test_repeated_texts_change_sizes_but_no_topic(codebook: CodebookDraft, vectors: np.ndarray, encoder) -> None:  # type: ignore[no-untyped-def]
    again = discover(TEXTS * 2, np.concatenate([vectors, vectors]), encoder=encoder)
    assert again.version == codebook.version
    assert [topic.size for topic in again.topics] == [2 * topic.size for topic in codebook.topics]


def test_a_text_gets_the_same_topic_alone_and_in_any_batch(codebook: CodebookDraft, vectors: np.ndarray) -> None:
    together = assign(codebook, vectors)
    for row in range(len(TEXTS)):
        alone = assign(codebook, vectors[row : row + 1])
        assert alone.topic[0] == together.topic[row]
        assert alone.probability[0] == together.probability[row]


def test_few_of_the_texts_that_topics_were_found_in_fit_none(codebook: CodebookDraft, vectors: np.ndarray) -> None:
    assert (assign(codebook, vectors).topic == -1).mean() <= 0.05


def test_a_text_about_something_else_fits_none(codebook: CodebookDraft, encoder) -> None:  # type: ignore[no-untyped-def]
    assert assign(codebook, encoder.encode(["What is the boiling point of neon in kelvin?"])).topic[0] == -1


def test_ranks_begin_with_the_nearest_topic_and_fall(codebook: CodebookDraft, vectors: np.ndarray) -> None:
    given = assign(codebook, vectors)
    fits = given.topic >= 0
    assert (given.ranks[fits, 0] == given.topic[fits]).all()
    assert (np.diff(given.rank_probabilities, axis=1) <= 0).all()
    assert (given.rank_probabilities.sum(1) <= 1 + 1e-9).all()


def test_names_are_unique_and_examples_are_of_the_topic(codebook: CodebookDraft, vectors: np.ndarray) -> None:
    names = [topic.name for topic in codebook.topics]
    assert len(set(names)) == len(names)
    topic = assign(codebook, vectors).topic
    for one in codebook.topics:
        assert one.name[0].isupper()
        assert one.examples
        assert all(topic[row] == one.number for row in one.examples)


def test_finer_granularity_gives_no_fewer_topics(vectors: np.ndarray) -> None:
    counts = [len(discover(TEXTS, vectors, granularity=grain).topics) for grain in ("coarse", "medium", "fine")]
    assert counts == sorted(counts)


@pytest.mark.parametrize("n", [0, 1, 3, 5, 9, 20])
def test_tiny_sets_give_a_few_topics_or_none_and_never_fail(n: int, vectors: np.ndarray, encoder) -> None:  # type: ignore[no-untyped-def]
    found = discover(TEXTS[:n], vectors[:n], encoder=encoder)
    assert len(found.topics) <= n // 5
    assert assign(found, vectors[:n]).topic.shape == (n,)


def test_texts_without_any_word_still_get_named_topics(vectors: np.ndarray, encoder) -> None:  # type: ignore[no-untyped-def]
    texts = ["the " * (k + 1) for k in range(len(TEXTS))]
    found = discover(texts, vectors, encoder=encoder)
    assert [topic.name for topic in found.topics] == [f"Topic ({k + 1})" for k in range(len(found.topics))]
    assert len(found.topics) > 1


@pytest.mark.parametrize(
    "texts", [[f"Litter {n}" for n in range(40)], [f"{n} litter" if n % 2 else "of it " * (n + 1) for n in range(40)]]
)
def test_texts_with_a_single_phrase_among_them_never_fail(texts: list[str], encoder) -> None:  # type: ignore[no-untyped-def]
    found = discover(texts, encoder.encode(texts), encoder=encoder)
    assert all("itter" in topic.name or topic.name.startswith("Topic") for topic in found.topics)


def test_texts_that_fall_into_one_group_have_no_topic(encoder) -> None:  # type: ignore[no-untyped-def]
    texts = ["Scam calls", "Dealers in the park", "Rubbish in the lane", "The police never come", "Lights are out", "Nice event"]
    found = discover(texts, encoder.encode(texts), encoder=encoder)
    assert found.topics == ()
    assert set(assign(found, encoder.encode(texts)).topic) == {-1}


def test_people_may_ask_for_a_number_of_topics(vectors: np.ndarray) -> None:
    assert [len(discover(TEXTS, vectors, granularity=number).topics) for number in (2, 3, 4)] == [2, 3, 4]
    most = len(discover(TEXTS, vectors, granularity=500).topics)
    assert most == len(discover(TEXTS, vectors, granularity=500).leaves) < len(TEXTS) / 5
    for wrong in (1, 0, -3, 501):
        with pytest.raises(BadInput, match="a number from 2 to 500"):
            discover(TEXTS, vectors, granularity=wrong)
    assert [granularity_of(text) for text in ("Fine ", "12", "coarse")] == ["fine", 12, "coarse"]


def test_topics_nest_so_that_what_is_counted_at_one_granularity_adds_up_at_the_next(vectors: np.ndarray) -> None:
    coarse, fine = (discover(TEXTS, vectors, granularity=number) for number in (2, 5))
    assert coarse.leaves == fine.leaves
    within, among = assign(coarse, vectors).topic, assign(fine, vectors).topic
    assert ((within == -1) == (among == -1)).all()
    for number in range(len(fine.topics)):
        assert len(set(within[among == number])) == 1


def test_each_prototype_names_the_leaf_that_it_is_of(codebook: CodebookDraft) -> None:
    assert codebook.tree is not None
    assert codebook.tree.leaves == len(codebook.leaves)
    assert [len(topic.parts) for topic in codebook.topics] == [len(topic.middles) for topic in codebook.topics]
    of = [set(topic.parts) for topic in codebook.topics]
    assert sorted(leaf for leaves in of for leaf in leaves) == list(range(len(codebook.leaves)))


def test_topics_that_stand_apart_are_firm_and_ones_cut_through_a_heap_are_shaky(vectors: np.ndarray) -> None:
    firm = discover(TEXTS, vectors, granularity=3)
    assert all(topic.stability is not None and topic.stability > FIRM for topic in firm.topics)
    random = np.random.default_rng(4)
    heap = random.normal(size=(300, 384)).astype(np.float32)
    heap /= np.linalg.norm(heap, axis=1, keepdims=True)
    shaky = discover([f"text {k}" for k in range(300)], heap, granularity=6)
    assert all(topic.stability is not None and topic.stability < FAIR for topic in shaky.topics)
    assert [in_words(0.8), in_words(0.7), in_words(0.2)] == ["firm", "fair", "shaky"]


def test_topics_that_are_kept_stay_as_they_are_and_new_ones_are_found_beside_them(vectors: np.ndarray, encoder) -> None:  # type: ignore[no-untyped-def]
    rows = [row for row, kind in enumerate(KIND) if kind != "dealing"]
    first = discover([TEXTS[row] for row in rows], vectors[rows], encoder=encoder, granularity=2)
    again = discover(TEXTS, vectors, encoder=encoder, keep=first)
    assert [(t.number, t.name) for t in again.topics[:2]] == [(t.number, t.name) for t in first.topics]
    assert len(again.topics) > 2
    assert again.threshold == first.threshold
    before, after = assign(first, vectors[rows]).topic, assign(again, vectors[rows]).topic
    assert (before == after).mean() > 0.95
    assert len(discover(TEXTS, vectors, keep=first, granularity=4, stability=False).topics) == 4
    dealing = [row for row, kind in enumerate(KIND) if kind == "dealing"]
    assert (assign(again, vectors[dealing]).topic >= 2).mean() > 0.8


def test_an_unknown_granularity_is_refused(vectors: np.ndarray) -> None:
    with pytest.raises(BadInput, match="coarse, medium, fine"):
        discover(TEXTS, vectors, granularity="huge")  # type: ignore[arg-type]


def test_as_many_embeddings_as_texts_are_wanted(vectors: np.ndarray) -> None:
    with pytest.raises(BadInput, match="one embedding for each text"):
        discover(TEXTS, vectors[:5])


def test_a_saved_codebook_codes_alike(codebook: CodebookDraft, vectors: np.ndarray, tmp_path: Path) -> None:
    save_codebook(codebook, tmp_path / "book")
    loaded = load_codebook(tmp_path / "book")
    assert loaded.version == codebook.version
    assert [(t.name, t.parts, t.stability) for t in loaded.topics] == [(t.name, t.parts, t.stability) for t in codebook.topics]
    assert (loaded.tree, loaded.leaves) == (codebook.tree, codebook.leaves)
    assert np.array_equal(assign(loaded, vectors).topic, assign(codebook, vectors).topic)
    assert np.array_equal(assign(loaded, vectors).probability, assign(codebook, vectors).probability)


def test_a_codebook_from_before_prototypes_codes_by_its_centroids_as_it_did(
    codebook: CodebookDraft, vectors: np.ndarray, tmp_path: Path
) -> None:
    topics = [replace(topic, prototypes=None) for topic in codebook.topics]
    old = make_codebook(encoder_version=codebook.encoder_version, granularity="medium", topics=topics, threshold=0.4)
    save_codebook(old, tmp_path)
    loaded = load_codebook(tmp_path)
    assert loaded.version == old.version != codebook.version
    middle = np.stack([topic.centroid for topic in topics])
    assert np.array_equal(assign(loaded, vectors).ranks[:, 0], (vectors @ middle.T).argmax(1))


def test_prototypes_of_a_group_lie_within_it_and_follow_its_shape() -> None:
    random = np.random.default_rng(3)
    middles = np.eye(4, 16, dtype=np.float32)
    rows = np.repeat(middles, 12, axis=0) + random.normal(0, 0.02, (48, 16)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    labels = np.repeat([0, 0, 1, 1], 12)  # two groups of two heaps each
    found = prototypes(rows, labels, seed=1)
    assert [len(parts) for parts in found] == [4, 4]
    for group, parts in enumerate(found):
        near = (parts @ middles.T).argmax(1)
        assert set(near) == {2 * group, 2 * group + 1}
    assert [np.array_equal(a, b) for a, b in zip(found, prototypes(rows, labels, seed=1), strict=True)] == [True, True]
    assert len(prototypes(rows[:2], np.zeros(2, dtype=np.int64), seed=1)[0]) == 1
    same = np.repeat(rows[:1], 30, axis=0)
    assert len(prototypes(same, np.zeros(30, dtype=np.int64), seed=1)[0]) == 1


def test_similarities_are_the_same_bits_alone_in_any_order_and_with_any_number_of_threads() -> None:
    random = np.random.default_rng(2)
    rows, to = (random.normal(size=(n, 384)).astype(np.float32) for n in (700, 93))
    together = similarities(rows, to)
    order = random.permutation(len(rows))
    assert np.array_equal(similarities(rows[order], to), together[order])
    assert np.array_equal(np.concatenate([similarities(rows[k : k + 1], to) for k in range(0, 700, 50)]), together[::50])
    with threadpool_limits(1):
        assert np.array_equal(similarities(rows, to), together)


def test_an_empty_codebook_can_be_saved(tmp_path: Path) -> None:
    empty = discover([], np.zeros((0, 384), dtype=np.float32))
    save_codebook(empty, tmp_path)
    assert load_codebook(tmp_path).topics == ()


def test_a_folder_without_codebook_is_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="There is no codebook in"):
        load_codebook(tmp_path)


@pytest.mark.parametrize("broken", ["{", "[]", '{"format": 1}', ""])
def test_a_broken_codebook_is_refused(codebook: CodebookDraft, tmp_path: Path, broken: str) -> None:
    save_codebook(codebook, tmp_path)
    (tmp_path / "codebook.json").write_text(broken, "utf-8")
    with pytest.raises(BadInput, match="is broken"):
        load_codebook(tmp_path)


def test_broken_centroids_are_refused(codebook: CodebookDraft, tmp_path: Path) -> None:
    save_codebook(codebook, tmp_path)
    (tmp_path / "centroids.safetensors").write_bytes(b"not numbers")
    with pytest.raises(BadInput, match="is broken"):
        load_codebook(tmp_path)


def test_a_codebook_of_another_encoder_is_refused(codebook: CodebookDraft, tmp_path: Path) -> None:
    save_codebook(codebook, tmp_path)
    with pytest.raises(BadInput, match="made with the encoder"):
        load_codebook(tmp_path, encoder_version="another/12345678")


def test_a_codebook_changed_by_hand_is_refused(codebook: CodebookDraft, tmp_path: Path) -> None:
    save_codebook(codebook, tmp_path)
    content = json.loads((tmp_path / "codebook.json").read_text("utf-8"))
    content["topics"][0]["name"] = "Something else"
    (tmp_path / "codebook.json").write_text(json.dumps(content), "utf-8")
    with pytest.raises(BadInput, match="changed after it was saved"):
        load_codebook(tmp_path)


def test_phrases_hold_no_numbers_masks_or_empty_words() -> None:
    found = candidates(
        ["On XX/XX/XXXX I paid {$100.00} to XXXX for the payday loan, 3rd time @bob https://a.example/loan"], least=1
    )
    assert set(found[0]) == {"paid", "payday", "loan", "payday loan"}


def test_plural_and_singular_are_one_phrase() -> None:
    found = candidates(["payday loans", "payday loan", "payday loan"], least=2)
    assert found == [["payday", "payday loan", "loan"]] * 3


def test_chosen_phrases_share_no_word() -> None:
    weighed = [
        ("payday loan", 3.0),
        ("loan", 2.5),
        ("loans company", 2.4),
        ("interest", 2.0),
        ("interesting", 1.0),
        ("fees", 0.5),
    ]
    assert choose(weighed, count=3) == ("payday loan", "interest", "fees")


def test_a_name_has_three_words_where_there_are_as_many() -> None:
    names = unique_names([("lights", "boat", "tyres", "night"), ("title loan", "fee", "bank"), ("scam", "bank")])
    assert names == ["Lights; boat; tyres", "Title loan; fee", "Scam; bank"]


def test_names_are_spelt_as_people_write_them_within_a_sentence() -> None:
    texts = [
        "Scams again. Police from Harbour Reach, and HMRC, rang my mum’s house.",
        "The letter from HMRC came to Harbour Reach; scams, said the Polish shop.",
        "WE ALL HATE SCAMS AND POLICE AND EVERYTHING",
        "Ask the Polish shop, they know the police.",
    ]
    forms = spellings(texts, ["hmrc", "harbour reach", "polish shop", "scams", "police", "mum"])
    assert forms == {"hmrc": "HMRC", "harbour": "Harbour", "reach": "Reach", "polish": "Polish"}
    assert spell("polish shop", forms) == "Polish shop"


def test_equal_names_are_told_apart() -> None:
    names = unique_names([("title loan", "fee"), ("title loan", "fee", "police"), ("title loan", "fee"), ()])
    assert names == ["Title loan; fee", "Title loan; fee; police", "Title loan; fee (3)", "Topic (4)"]


def test_groups_that_are_too_small_go_to_the_nearest() -> None:
    angles = np.array([0.0, 0.01, 0.02, 0.3, 1.5, 1.51, 1.52])
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert merge_small(rows, np.array([0, 0, 0, 1, 2, 2, 2]), 2).tolist() == [0, 0, 0, 0, 1, 1, 1]


def test_groups_are_numbered_by_falling_size() -> None:
    assert largest_first(np.array([0, 1, 1, 2, 2, 2])).tolist() == [2, 1, 1, 0, 0, 0]


def test_the_clusterer_predicts_what_it_fitted(vectors: np.ndarray) -> None:
    clusters = LeidenClusters(groups=Resolution(1.0), neighbours=10, smallest=5, seed=1).fit(vectors)
    assert np.array_equal(clusters.predict(vectors[:7]), clusters.predict(vectors)[:7])
    assert (clusters.predict(vectors) == clusters.labels_).mean() > 0.9
