"""As many groups, addresses and names as the guide allows, and one power cut: seen by a client on the LAN."""

import sys

import pytest

from harness import audits
from harness.labs.namespaces import Lab
from harness.switching.__main__ import line
from harness.switching.measure import GROUPS_MAX, NAMES_MAX, Client, bring_up, cut_power
from harness.wait import now_s

SWITCH_S_MAX = 5.0 + 0.75  # after the detection; the second term is the least time of RFC 1002's claim


def test_64_groups_switch_within_five_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    """64 groups with 64 addresses and 63 associated names (7.3.1.5-02): all answer from the other server, in time.

    On the LAN every address was probed and every name claimed before it was taken, beside each other.
    """
    with Lab.create(disk_mib=64, seed=11, name="many-groups") as lab:
        spec = bring_up(lab, GROUPS_MAX)
        assert (len(spec.addresses), len(spec.names)) == (GROUPS_MAX, NAMES_MAX)
        with Client(lab, spec) as client:
            client.await_all(0, "everything to answer")
            before_s = now_s()
            switch = cut_power(lab, client, GROUPS_MAX)
            heard = client.answers(before_s)
        with capsys.disabled():
            sys.stdout.write(f"\n64 groups: {line(switch)}\n")
        assert set(client.keys) == set(switch.answers_s)
        assert switch.last_s <= SWITCH_S_MAX
        for address in spec.addresses:  # asked for before it is taken (RFC 5227)
            assert heard[f"probe {address}"] < heard[f"announce {address}"], address
        for name in spec.names:  # claimed before it is answered for (RFC 1002 4.2.2)
            assert heard[f"claim {name}"] < heard[name], name
        taken_s = min(heard[f"announce {address}"] for address in spec.addresses)
        early = sum(heard[f"probe {address}"] < taken_s for address in spec.addresses)
        assert early > GROUPS_MAX / 2, "probes and claims do not run beside each other"
        audits.one_active(lab).require()
    audits.no_leftovers(lab).require()
