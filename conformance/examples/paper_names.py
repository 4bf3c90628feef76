"""Virtual computer names of the port on paper (paper_pair.py): who answers for which name, and with what."""

from typing import Any

Args = dict[str, Any]
CLIENT = "10.0.1.50"


class Names:
    """Nothing but the rules; the groups and their places are the paper pair's."""

    def __init__(self, fixed: dict[str, str], flaw: str) -> None:
        self.fixed = fixed
        self.flaw = flaw
        self.taken: dict[str, str] = {}  # names that a name service on the client holds, by its job

    def of(self, group: Args) -> list[str]:
        return [r["name"] for r in group["resources"] if r["kind"] == "virtual_computer_name"]

    def associated(self, group: Args) -> str:
        """The address that the only name of a group stands for."""
        addresses = [r["address"] for r in group["resources"] if r["kind"] == "floating_ip"]
        alone = len(self.of(group)) == 1 or self.flaw == "associates-always"
        return str(addresses[0]) if alone and addresses else ""

    def in_use(self, group: Args) -> str:
        """A name of the group that the client holds."""
        taken = {name.upper() for name in self.taken.values()}
        found = [name for name in self.of(group) if name.upper() in taken]
        return found[0] if found and self.flaw != "takes-used-name" else ""

    def found(self, name: str, groups: list[Args], places: dict[str, Any]) -> list[str]:
        """The addresses that a query by broadcast brings."""
        answers = [CLIENT for taken in self.taken.values() if taken.upper() == name.upper()]
        for group in groups:
            place = places[group["name"]] or ("server1" if self.flaw == "name-without-group" else None)
            if place and name.upper() in (own.upper() for own in self.of(group)):
                answers.append(self.associated(group) or self.fixed[place])
        return answers

    def described(self, group: Args, state: str) -> dict[str, str]:
        """The description of each name, as the status shows it."""
        shown = state in {"active", "start_failed"} or self.flaw == "describes-inactive"
        return {name: self.associated(group) if shown else "" for name in self.of(group)}
