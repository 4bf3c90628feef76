"""The rules of the house, kept by the machine: each says what to do instead, each is shown to fail.

They hold for every Python file that git knows below the four parts of the project.
"""

import ast
import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

from harness.errors import CommandFailed
from harness.run import run

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("impl", "harness", "conformance", "perf")

MODULE_LINES_MAX = 450
FUNCTION_LINES_MAX = 70  # without its docstring

# The only places where time passes, and those where programs are started.
WAITING = {"harness/wait.py", "conformance/suite/wait.py", "impl/twinset/shell/clock.py"}
# The lab's agent runs alone in a virtual machine, where no module of the harness is.
STARTING = {
    "harness/run.py", "harness/labs/guest_agent.py", "conformance/suite/process.py", "impl/twinset/shell/run.py",
    "conformance/examples/toy_network.py",
}  # fmt: skip
# The conformance suite has a pair of its own, because it knows neither the harness nor the implementation; and the toy
# port has its own, because it stands for a stranger's.

SLEEPS = {"time.sleep", "asyncio.sleep"}
ASYNC_STARTS = {"asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell"}
SHELLS = {
    "os.system",
    "os.popen",
    "os.posix_spawn",
    "os.posix_spawnp",
    "pty.spawn",
    "asyncio.create_subprocess_shell",
}
# Where the product may write a file in another way than `store.write_atomic`, and why a power cut does no harm there.
WRITING = {
    "impl/twinset/shell/store.py": "is that way",
    "impl/twinset/shell/event_log.py": "appends, and flushes the end of each burst",
    "impl/twinset/shell/mirror_kept.py": "flushes, then renames",
    "impl/twinset/shell/kept_files.py": "into the operator's image, flushed",
    "impl/twinset/shell/memory.py": "in /proc",
    "impl/twinset/shell/run.py": "in /proc, in the run directory, the output of programs",
    "impl/twinset/shell/registry_backends.py": "for a tool that reads it at once",
    "impl/twinset/resources/mirror_disk/kernel_nbd.py": "in the run directory",
    "impl/twinset/resources/mirror_disk/loop.py": "in /sys",
    "impl/twinset/resources/printer/resource.py": "anew at each start of its group",
    "impl/twinset/resources/script/log.py": "what scripts print",
    "impl/twinset/operator/kept_cli.py": "what an operator asked for",
    "impl/twinset/operator/script_cli.py": "what an operator asked for",
}
# The first process of a lab's server reaps and starts the others; it has room for the system call only.
SPAWNING = {"harness/labs/init.py"}

MODE = re.compile(r"[rwxab+t]*[wxa+][rwxab+t]*")  # of a file that is opened for writing
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """A file, parsed."""

    path: str
    text: str

    @functools.cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    def imports(self) -> Iterator[tuple[int, str]]:
        """Yield line and module of each import, those of the file's own package left out."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.lineno, node.module

    @functools.cached_property
    def origins(self) -> dict[str, str]:
        """What the names of the file stand for, by its imports: `nap` for `time.sleep`."""
        found: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    root = alias.name.partition(".")[0]
                    found[alias.asname or root] = alias.name if alias.asname else root
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        return found

    def meaning(self, node: ast.AST) -> str:
        """Return the dotted name an expression stands for, or an empty text."""
        if isinstance(node, ast.Name):
            return self.origins.get(node.id, "")
        if isinstance(node, ast.Attribute):
            before = self.meaning(node.value)
            return f"{before}.{node.attr}" if before else ""
        return ""

    def uses_of(self, banned: set[str]) -> Iterator[tuple[int, str]]:
        """Yield line and name of each use of a banned name, and of its import."""
        for node in ast.walk(self.tree):
            if isinstance(node, (ast.Name, ast.Attribute)) and self.meaning(node) in banned:
                yield node.lineno, self.meaning(node)
            elif isinstance(node, ast.ImportFrom):
                yield from (
                    (node.lineno, f"{node.module}.{alias.name}")
                    for alias in node.names
                    if f"{node.module}.{alias.name}" in banned
                )


def sleep_only_in_the_wait_helper(source: Source) -> Iterator[str]:
    """Instead: wait for a fact with wait_for, or for an event."""
    if source.path not in WAITING:
        for line, name in source.uses_of(SLEEPS):
            yield f"{line}: {name}; wait for a fact with the wait helper, or for an event"


def programs_start_in_one_place(source: Source) -> Iterator[str]:
    """Instead: run, popen or start of the run module."""
    if source.path not in STARTING:
        for line, name in source.imports():
            if name.partition(".")[0] == "subprocess":
                yield f"{line}: imports subprocess; start programs through the run module"
    if source.path != "impl/twinset/shell/run.py":
        for line, name in source.uses_of(ASYNC_STARTS):
            yield f"{line}: {name}; start programs through twinset.shell.run"


def no_shell_between(source: Source) -> Iterator[str]:
    """Instead: an argument list through the run module; no shell reads it."""
    if source.path not in SPAWNING:
        for line, name in source.uses_of(SHELLS):
            yield f"{line}: {name}; give an argument list to the run module"
    for node in ast.walk(source.tree):
        if (
            isinstance(node, ast.keyword)
            and node.arg == "shell"
            and getattr(node.value, "value", None) is True
        ):
            yield f"{node.lineno}: shell=True; give an argument list"


def files_survive_a_power_cut(source: Source) -> Iterator[str]:
    """Instead: store.write_atomic, which flushes the file before its name, and the name before anybody goes by it."""
    if not source.path.startswith("impl/twinset/") or source.path in WRITING:
        return
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        values = [
            getattr(each, "value", None) for each in (*node.args, *(word.value for word in node.keywords))
        ]
        modes = [value for value in values if isinstance(value, str) and MODE.fullmatch(value)]
        if name in {"write_text", "write_bytes"} or (name == "open" and modes):
            yield f"{node.lineno}: {name}; write it with store.write_atomic"


def modules_are_short(source: Source) -> Iterator[str]:
    """Instead: two modules, each with a noun of its own."""
    lines = len(source.text.splitlines())
    if lines > MODULE_LINES_MAX:
        yield f"1: {lines} lines, at most {MODULE_LINES_MAX}; find the second noun and give it a module"


def functions_are_short(source: Source) -> Iterator[str]:
    """Instead: name the steps."""
    for function in functions(source.tree):
        lines = length(function)
        if lines > FUNCTION_LINES_MAX:
            where = f"{function.lineno}: {function.name}"
            yield f"{where} has {lines} lines, at most {FUNCTION_LINES_MAX}; name its steps"


def facts_are_stated(source: Source) -> Iterator[str]:
    """Instead: a docstring of one sentence, the fact that the test proves."""
    if not PurePosixPath(source.path).name.startswith("test_"):
        return
    for function in functions(source.tree):
        if function.name.startswith("test_") and not (ast.get_docstring(function) or "").strip():
            yield f"{function.lineno}: {function.name} has no docstring; state the fact that it proves"


def functions(tree: ast.Module) -> Iterator[Function]:
    """Yield every function and method, nested ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def length(function: Function) -> int:
    """Return the lines of a function without its docstring and its decorators."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


Rule = Callable[[Source], Iterator[str]]

RULES: tuple[Rule, ...] = (
    sleep_only_in_the_wait_helper,
    programs_start_in_one_place,
    no_shell_between,
    files_survive_a_power_cut,
    modules_are_short,
    functions_are_short,
    facts_are_stated,
)


@functools.cache
def sources() -> tuple[Source, ...]:
    """Return the files that git knows; in a tree without git, those that are there."""
    try:
        listed = run(["git", "-C", str(ROOT), "ls-files", "-z", "--", *PARTS]).stdout.split("\0")
    except (OSError, CommandFailed):
        listed = [str(path.relative_to(ROOT)) for part in PARTS for path in (ROOT / part).rglob("*.py")]
    paths = sorted(path for path in listed if path.endswith(".py") and (ROOT / path).is_file())
    return tuple(Source(path, (ROOT / path).read_text(encoding="utf-8")) for path in paths)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_house_rule(rule: Rule) -> None:
    """No file of the project breaks the rule; each that does is named, with what to do instead."""
    broken = [f"{source.path}:{finding}" for source in sources() for finding in rule(source)]
    assert not broken, "\n".join(["", *broken])


def test_there_is_something_to_judge() -> None:
    """Each part is looked at: a check over no file would pass for ever."""
    found = {source.path.partition("/")[0] for source in sources()}
    assert found == set(PARTS)
    assert len(sources()) > 100


@pytest.mark.parametrize("path", sorted(WAITING | STARTING | SPAWNING | set(WRITING)))
def test_exceptions_are_files(path: str) -> None:
    """An exception for a file that is gone would be a hole for the next of that name."""
    assert path in {source.path for source in sources()}


BAD: tuple[tuple[Rule, str], ...] = (
    (sleep_only_in_the_wait_helper, "import time\ntime.sleep(1)"),
    (sleep_only_in_the_wait_helper, "import time as t\nt.sleep(1)"),
    (sleep_only_in_the_wait_helper, "from time import sleep"),
    (sleep_only_in_the_wait_helper, "from asyncio import sleep as nap\nasync def f(): await nap(1)"),
    (sleep_only_in_the_wait_helper, "import asyncio\nasync def f(): await asyncio.sleep(0)"),
    (sleep_only_in_the_wait_helper, "import time\nwait = time.sleep"),
    (programs_start_in_one_place, "import subprocess"),
    (programs_start_in_one_place, "import subprocess as sp"),
    (programs_start_in_one_place, "from subprocess import run"),
    (programs_start_in_one_place, "def f():\n    import subprocess"),
    (
        programs_start_in_one_place,
        "import asyncio\nasync def f(): await asyncio.create_subprocess_exec('ls')",
    ),
    (no_shell_between, "import os\nos.system('ls')"),
    (no_shell_between, "from os import popen"),
    (no_shell_between, "import os\nos.posix_spawn('/bin/ls', ['ls'], {})"),
    (no_shell_between, "run('ls', shell=True)"),
    (files_survive_a_power_cut, "path.write_text('x')"),
    (files_survive_a_power_cut, "path.write_bytes(b'x')"),
    (files_survive_a_power_cut, "with path.open('x') as file: file.write('x')"),
    (files_survive_a_power_cut, "open(path, mode='ab')"),
    (modules_are_short, "x = 1\n" * (MODULE_LINES_MAX + 1)),
    (functions_are_short, "def f():\n" + "    x = 1\n" * FUNCTION_LINES_MAX),
    (functions_are_short, "class A:\n    async def f(self):\n" + "        x = 1\n" * FUNCTION_LINES_MAX),
    (facts_are_stated, "def test_a():\n    assert True"),
    (facts_are_stated, "def test_a():\n    '''  '''"),
    (facts_are_stated, "class A:\n    async def test_a(self):\n        assert True"),
)

SAMPLE = "impl/twinset/shell/test_sample.py"  # where every rule looks

GOOD: tuple[tuple[Rule, str], ...] = (
    (sleep_only_in_the_wait_helper, "from harness.wait import wait_for\nwait_for(f, 1, 'f')\nclock.sleep(1)"),
    (programs_start_in_one_place, "from harness.run import run\nrun(['ls'])\nfrom . import subprocess_like"),
    (no_shell_between, "import os\nos.fork()\nrun(['ls'], shell=False)"),
    (files_survive_a_power_cut, "store.write_atomic(path, 'w')\npath.open()\nopen('w.txt', 'rb')"),
    (modules_are_short, "x = 1\n" * MODULE_LINES_MAX),
    (functions_are_short, "def f():\n    '''A\n    b.\n    '''\n" + "    x = 1\n" * (FUNCTION_LINES_MAX - 1)),
    (facts_are_stated, "def test_a():\n    '''A fact.'''\ndef helper(): pass"),
)


@pytest.mark.parametrize(("rule", "text"), BAD)
def test_rule_finds_a_bad_sample(rule: Rule, text: str) -> None:
    """Each rule fails on what it forbids, in each spelling."""
    assert list(rule(Source(SAMPLE, text)))


@pytest.mark.parametrize(("rule", "text"), GOOD)
def test_rule_accepts_a_good_sample(rule: Rule, text: str) -> None:
    """Each rule accepts what it asks for instead, up to its limit."""
    assert list(rule(Source(SAMPLE, text))) == []


def test_every_rule_has_a_bad_and_a_good_sample() -> None:
    """A new rule comes with proof that it can fail and can be kept."""
    assert {rule for rule, _ in BAD} == {rule for rule, _ in GOOD} == set(RULES)


def test_exceptions_hold_for_their_file_only() -> None:
    """The wait helper may sleep, the run module may start programs, and neither may do the other."""
    sleeping, starting = "import time\ntime.sleep(1)", "import subprocess"
    assert not list(sleep_only_in_the_wait_helper(Source("harness/wait.py", sleeping)))
    assert not list(programs_start_in_one_place(Source("harness/run.py", starting)))
    assert list(sleep_only_in_the_wait_helper(Source("harness/run.py", sleeping)))
    assert list(programs_start_in_one_place(Source("harness/wait.py", starting)))


def test_files_that_are_no_tests_need_no_facts() -> None:
    """A function named test_... outside a test module is none."""
    assert not list(facts_are_stated(Source("harness/wait.py", "def test_a(): pass")))
