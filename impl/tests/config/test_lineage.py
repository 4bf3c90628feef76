"""Generations of the configuration: which text is newer, by what the texts say."""

import pytest

from twinset.config import lineage
from twinset.config.lineage import DIVERGED, NEWER, NONE, OLDER, SAME, Claim, claim, relation, stamped
from twinset.wire.heartbeat import config_digest


def of(text: str) -> Claim:
    return claim(text, config_digest(text.encode()))


def test_a_child_is_newer_than_every_ancestor() -> None:
    """Two servers that missed any number of changes know which of them is behind."""
    texts = ["a = 1\n"]
    for number in range(5):
        texts.append(stamped(f"a = {number}\n", of(texts[-1])))
    for older in range(len(texts)):
        for newer in range(older + 1, len(texts)):
            assert relation(of(texts[older]), of(texts[newer])) == OLDER
            assert relation(of(texts[newer]), of(texts[older])) == NEWER
    assert [of(text).generation for text in texts] == [0, 1, 2, 3, 4, 5]
    assert relation(of(texts[3]), of(texts[3])) == SAME


def test_children_of_one_parent_have_diverged_until_one_follows_both() -> None:
    """Equal generations prove nothing; only descent does."""
    parent = stamped("a = 0\n")
    left, right = stamped("a = 1\n", of(parent)), stamped("a = 2\n", of(parent))
    assert of(left).generation == of(right).generation
    assert relation(of(left), of(right)) == DIVERGED
    both = stamped("a = 3\n", of(left), of(right))
    assert relation(of(left), of(both)) == relation(of(right), of(both)) == OLDER
    assert of(both).generation == 3


def test_the_line_is_no_part_of_what_people_wrote() -> None:
    """A text that is handed in with the line of a former generation gets one line, the new one."""
    once = stamped("# mine\na = 1\n", Claim("ab" * 8, 6))
    assert once == "# twinset: generation 7, made from abababababababab\n# mine\na = 1\n"
    again = stamped(once, of(once))
    assert lineage.body(again) == "# mine\na = 1\n"
    assert again.count("# twinset:") == 1


def test_the_ancestors_are_bounded() -> None:
    """A server that missed more changes than are kept shows as diverged, and is not guessed about."""
    texts = [stamped("a = 0\n")]
    for number in range(lineage.ANCESTORS_MAX + 2):
        texts.append(stamped(f"a = {number}\n", of(texts[-1])))
    assert len(of(texts[-1]).ancestors) == lineage.ANCESTORS_MAX
    assert relation(of(texts[0]), of(texts[-1])) == DIVERGED
    assert relation(of(texts[3]), of(texts[-1])) == OLDER


def test_a_server_without_a_configuration_is_behind_everybody() -> None:
    """It takes what it is given."""
    assert relation(Claim(), of("a = 1\n")) == OLDER
    assert relation(of("a = 1\n"), Claim()) == NONE


def test_claims_travel() -> None:
    """What was sent is what is read."""
    sent = Claim("ab" * 8, 3, ("cd" * 8,), changing=True)
    assert lineage.claim_from_json(sent.to_json()) == sent
    assert lineage.claim_from_json(Claim().to_json()) == Claim()


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"digest": "x", "generation": 1, "ancestors": []},
        {"digest": "", "generation": "1", "ancestors": []},
        {"digest": "", "generation": 1, "ancestors": ["zz"]},
        {"digest": "", "generation": 1, "ancestors": ["ab" * 8] * (lineage.ANCESTORS_MAX + 1)},
    ],
)
def test_a_malformed_claim_is_refused(body: object) -> None:
    """Nothing of the other server is believed unchecked."""
    with pytest.raises(ValueError, match="no claim"):
        lineage.claim_from_json(body)
