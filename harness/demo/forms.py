"""The operation forms of chapter 3, each from its sample configuration, through the loss of a server and back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import resources

from harness import audits
from harness.demo import scripts
from harness.demo.narration import Narration
from harness.labs import pair
from harness.labs.namespaces import Lab
from harness.labs.running import LATE_S, SOON_S
from harness.run import Result
from harness.wait import wait_for

ROWS = 1000
SECOND_DISK = "/var/lib/twinset/disk2.img"  # an image file: the lab gives each server one disk
SECOND_MIB = 128
INTERFACES = {"eth0": "public", "eth1": "ic1", "eth2": "ic2"}
WORDS = "written before the loss"


@dataclass(frozen=True)
class Application:
    """What a group serves, and how a client uses it."""

    group: str
    home: str
    address: str
    install: Callable[[Lab, "Application"], None]
    write: Callable[[Lab, "Application"], None]
    read: Callable[[Lab, "Application"], bool]
    port: int = 0


@dataclass(frozen=True)
class Form:
    """A sample configuration and its applications, one a mirror set."""

    name: str
    what: str
    applications: tuple[Application, ...]

    def configuration(self, lab: Lab) -> str:
        """The sample with the lab's disks and interfaces in the place of its own."""
        file = resources.files("harness.demo") / "samples" / f"{self.name}.toml"
        text = file.read_text(encoding="utf-8")
        for server in lab.servers:
            of_server = f'server = "{server.name}", path = '
            text = text.replace(f'{of_server}"/dev/sdb"', f'{of_server}"{server.disk_path}"')
        for word, ours in {"/dev/sdc": SECOND_DISK, **INTERFACES}.items():
            text = text.replace(f'"{word}"', f'"{ours}"')
        return text


def _install_database(lab: Lab, made: Application) -> None:
    texts = scripts.postgres(f"/mnt/{made.group}", f"/var/lib/twinset/{made.group}.log", made.port)
    for part, text in zip(("start", "stop"), texts, strict=True):
        pair.install_script(lab, f"{made.group}-{part}", text)


def _psql(lab: Lab, made: Application, sql: str) -> str:
    uri = f"host={made.address} port={made.port} user=postgres dbname=postgres connect_timeout=5"
    return lab.client.run(["psql", "--no-psqlrc", "-qAt", "-c", sql, uri], timeout_s=60).stdout.strip()


def _insert(lab: Lab, made: Application) -> None:
    _psql(lab, made, f"CREATE TABLE t AS SELECT generate_series(1, {ROWS}) AS number")


def _count(lab: Lab, made: Application) -> bool:
    return _psql(lab, made, "SELECT count(*) FROM t") == str(ROWS)


def _install_share(lab: Lab, made: Application) -> None:
    words = {"SHARE": "data", "PATH": f"/mnt/{made.group}/data", "ADDRESS": made.address, "GUEST": "yes"}
    given = [word for name, text in words.items() for word in ("--set", f"{name}={text}")]
    for server in lab.servers:
        server.run(["twinset", "group", "script", "new", made.group, "--template", "file-sharing", *given])


def _smb(lab: Lab, made: Application, command: str) -> Result:
    argv = ["smbclient", f"//{made.address}/data", "--no-pass", "--command", command]
    return lab.client.run(argv, check=False, timeout_s=30)


def _put(lab: Lab, made: Application) -> None:
    lab.server(made.home).run(["chmod", "1777", f"/mnt/{made.group}/data"])
    lab.client.run(["sh", "-c", f"echo {WORDS} > /run/note"])
    wait_for(lambda: _smb(lab, made, "put /run/note note").ok, SOON_S, "the share to take a file")
    lab.server(made.home).run(["sync"])


def _get(lab: Lab, made: Application) -> bool:
    return WORDS in _smb(lab, made, "get note -").stdout


def _database(group: str, home: str, address: str, port: int = scripts.PORT) -> Application:
    return Application(group, home, address, _install_database, _insert, _count, port)


FORMS: Mapping[str, Form] = {
    form.name: form
    for form in (
        Form(
            "uni-directional",
            "one application, on one server at a time",
            (_database("db", "server1", "10.0.1.100"),),
        ),
        Form(
            "multi-same",
            "an instance of the same application at home on each server",
            (
                _database("db1", "server1", "10.0.1.100"),
                _database("db2", "server2", "10.0.1.101", scripts.PORT + 1),
            ),
        ),
        Form(
            "multi-different",
            "a database at home on one server, a file server on the other",
            (
                _database("db", "server1", "10.0.1.100"),
                Application("files", "server2", "10.0.1.101", _install_share, _put, _get),
            ),
        ),
    )
}


@dataclass
class FormStory:
    """One form, told step by step."""

    lab: Lab
    tell: Narration
    form: Form
    failures: list[str] = field(default_factory=list)

    def play(self) -> bool:
        """Tell it; True when everything that was claimed held."""
        lost, left = self.lab.servers
        self.bring_up()
        for each in self.form.applications:
            each.write(self.lab, each)
        self.look("at home", {each.group: each.home for each in self.form.applications})
        self.tell.step(f"Power cut of {lost.name}")
        self.lab.power_off(lost)
        self.look(f"everything on {left.name}", {each.group: left.name for each in self.form.applications})
        self.tell.step(f"{lost.name} returns, and what was at home there goes back")
        self.lab.power_on(lost)
        pair.await_server(left, lost.name, "Od", LATE_S)
        left.twinset("server", "return", lost.name)
        self.await_sets()
        for each in self.form.applications:
            if each.home == lost.name:
                left.twinset("group", "move", each.group, each.home, timeout_s=LATE_S)
        self.look("at home again", {each.group: each.home for each in self.form.applications})
        self.compare()
        return not self.failures

    def bring_up(self) -> None:
        """From bare servers to running applications, by the sample."""
        lab, one = self.lab, self.lab.server1
        self.tell.step(f"{self.form.name}: {self.form.what}")
        pair.await_daemons(lab)
        if len(self.form.applications) > 1:
            for server in lab.servers:
                server.run(["truncate", "--size", f"{SECOND_MIB}M", SECOND_DISK])
                server.run(
                    [
                        "twinset",
                        "disk",
                        "prepare",
                        SECOND_DISK,
                        "--cluster-mib",
                        "4",
                        "--data",
                        "rest",
                        "--yes",
                    ]
                )
        for each in self.form.applications:
            each.install(lab, each)
        one.write_file(pair.CONFIGURATION, self.form.configuration(lab))
        one.twinset("check", pair.CONFIGURATION)
        one.twinset("cluster", "create", pair.CONFIGURATION)
        one.twinset("cluster", "start")
        pair.await_both_normal(lab, LATE_S)
        self.tell.proved("the sample configuration breaks no rule; both servers operate")
        for number, each in enumerate(self.form.applications, 1):
            pair.insist(one, "mirror.create", LATE_S, set=f"set{number}", source=each.home)
        self.await_sets()
        self.tell.proved("every mirror set is whole")
        for each in self.form.applications:
            pair.insist(one, "group.start", LATE_S, group=each.group)

    def await_sets(self) -> None:
        """Both servers operate, every mirror set is whole."""
        pair.await_both_normal(self.lab, LATE_S)
        for number in range(1, len(self.form.applications) + 1):
            pair.await_set(self.lab.server1, "NORMAL", LATE_S, f"set{number}")

    def look(self, what: str, places: Mapping[str, str]) -> None:
        """Every application is where it should be, and gives its client what it was given."""
        for each in self.form.applications:
            observer = self.lab.server(places[each.group])
            pair.await_group(observer, "active", LATE_S, on=observer.name, group=each.group)
            good = each.read(self.lab, each)
            text = f"{what}: {each.group} answers at {each.address} from {observer.name}, with all its data"
            if good:
                self.tell.proved(text)
            else:
                self.failures.append(text)
                self.tell.failed(text)

    def compare(self) -> None:
        """A clean end: both copies of the first disk hold the same bytes."""
        self.lab.server1.twinset("cluster", "stop", timeout_s=LATE_S)
        pair.await_stopped(self.lab, SOON_S)
        audits.same_data(self.lab).require()
        self.tell.proved("stopped in order; both copies are identical")
