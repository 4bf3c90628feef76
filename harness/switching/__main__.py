"""``python -m harness.switching [--rounds 10] [--groups 1]``: power cuts on the lab, and the switching times.

Not a test: it prints. Detection is scaled in the lab, the switch itself is not: seconds are those of the wall.
"""

import argparse
import statistics

from harness import audits
from harness.labs.namespaces import Lab
from harness.switching.measure import GROUPS_MAX, Client, Switch, bring_up, cut_power, make_whole
from harness.topology import FLOATING_IP


def line(switch: Switch) -> str:
    """One round for a person."""
    answers = switch.answers_s
    service = next((key for key in answers if ":" in key), "")
    names = [at for key, at in answers.items() if not key[0].isdigit()]
    addresses = [at for key, at in answers.items() if key[0].isdigit() and ":" not in key]
    return (
        f"detected {switch.detected_s:5.2f} s after the cut; from then on: "
        f"addresses {max(addresses):5.2f} s, names {max(names):5.2f} s, "
        f"service {answers.get(service, float('nan')):5.2f} s, all {switch.last_s:5.2f} s"
    )


def main() -> None:
    """Bring a pair up, cut its power again and again, print."""
    parser = argparse.ArgumentParser(prog="python -m harness.switching", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--groups", type=int, default=1, choices=range(1, GROUPS_MAX + 1), metavar="1..64")
    chosen = parser.parse_args()
    with Lab.create(disk_mib=64, name="switching") as lab:
        spec = bring_up(lab, chosen.groups)
        print(
            f"{chosen.groups} groups, {len(spec.addresses)} addresses, {len(spec.names)} names; {FLOATING_IP}"
        )
        totals = []
        with Client(lab, spec) as client:
            client.await_all(0, "everything to answer")
            for number in range(1, chosen.rounds + 1):
                switch = cut_power(lab, client, chosen.groups)
                totals.append(switch.last_s)
                print(f"{number:3}: {line(switch)}", flush=True)
                if number < chosen.rounds:
                    make_whole(lab)
        print(
            f"median {statistics.median(totals):.2f} s, shortest {min(totals):.2f}, longest {max(totals):.2f}"
        )
    audits.no_leftovers(lab).require()


if __name__ == "__main__":
    main()
