"""Datagrams about the names of clusters: what is answered, and what is not."""

import json

import pytest

from twinset.wire import cluster_name
from twinset.wire.cluster_name import ASK, BYTES_MAX, HAVE, Datagram

QUESTION = Datagram(ASK, "ALPHA").encode()


@pytest.mark.parametrize("own", ["ALPHA", "alpha"])
def test_a_server_answers_for_its_cluster_in_any_case(own: str) -> None:
    """With the name as it was entered, and its own (2.2.2.3-02)."""
    said = cluster_name.decode(cluster_name.answer(QUESTION, own, "server3"))
    assert said == Datagram(HAVE, own, "server3")


@pytest.mark.parametrize(
    ("data", "own"),
    [
        (QUESTION, "ALPHA2"),
        (QUESTION, ""),
        (Datagram(HAVE, "ALPHA", "server1").encode(), "ALPHA"),
        (b"", "ALPHA"),
        (b"[1]", "ALPHA"),
        (b"\xff", "ALPHA"),
        (json.dumps({"twinset": ASK, "name": 7, "server": ""}).encode(), "ALPHA"),
        (json.dumps({"twinset": "hello", "name": "ALPHA", "server": ""}).encode(), "ALPHA"),
        (QUESTION + b" " * BYTES_MAX, "ALPHA"),
    ],
)
def test_nothing_else_is_answered(data: bytes, own: str) -> None:
    """Another name, no name yet, an answer, noise, and more than a datagram of ours."""
    assert cluster_name.answer(data, own, "server3") == b""
