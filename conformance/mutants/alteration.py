"""How an altered reference comes into a process: by its importer, or as an edited copy of the tree."""

import importlib.abc
import importlib.machinery
import importlib.util
import json
import shutil
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import CodeType, ModuleType
from unittest.mock import patch

from conformance.mutants.catalogue import PACKAGE, TREE, Mutant


class AlteredLoader(importlib.machinery.SourceFileLoader):
    """Loads a module from a text that differs from its file."""

    def __init__(self, name: str, path: str, text: str) -> None:
        super().__init__(name, path)
        self._text = text

    def get_code(self, fullname: str) -> CodeType | None:
        """Compile the altered text; nothing of it is cached."""
        del fullname
        return compile(self._text, self.path, "exec", dont_inherit=True)


class AlteredFinder(importlib.abc.MetaPathFinder):
    """Finds the altered modules before anybody else does."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._texts = {
            ".".join((PACKAGE, *Path(file).with_suffix("").parts)): (file, text)
            for file, text in sources.items()
        }

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Answer for altered modules only."""
        del path, target
        if fullname not in self._texts:
            return None
        file, text = self._texts[fullname]
        loader = AlteredLoader(fullname, str(TREE / file), text)
        return importlib.util.spec_from_file_location(fullname, TREE / file, loader=loader)


class InProcess:
    """Stands in for the suite's LineProcess: the reference's adapter in this process, by the same lines."""

    def __init__(self, argv: Sequence[str], log: Path) -> None:
        from harness.adapters import lines, reference
        from harness.adapters.pair import PairVerbs
        from harness.labs import choice

        del argv, log
        lab = choice.NAMESPACES
        self._verbs = reference.verbs(PairVerbs(choice.maker(lab, choice.SCALES[lab])))
        self._answer = lines.answer
        self._answers: deque[bytes] = deque()

    def send(self, line: bytes) -> None:
        """Answer a line."""
        self._answers.append(json.dumps(self._answer(line, self._verbs), ensure_ascii=False).encode())

    def receive(self, timeout_s: float) -> bytes:
        """The answer to the oldest line."""
        del timeout_s
        return self._answers.popleft()

    def close(self) -> None:
        """Nothing was started."""


def in_process(mutant: Mutant | None) -> Callable[[], None]:
    """What makes a fresh child of this process the altered reference, and the suite speak to it."""
    sources = mutant.sources() if mutant else {}

    def prepare() -> None:
        from conformance.suite import adapter
        from harness import preflight

        loaded = [name for name in sys.modules if name.partition(".")[0] == PACKAGE]
        for name in loaded:
            del sys.modules[name]
        sys.path.insert(0, str(TREE.parent))  # the interpreted checkout, whatever is installed
        sys.meta_path.insert(0, AlteredFinder(sources))
        # The pair tier is not asked for here; finding out whether it could run would take a while each time.
        patch.object(preflight, "reason_to_skip", lambda: "static tier only").start()
        patch.object(adapter, "LineProcess", InProcess).start()

    return prepare


def copy_of_the_tree(mutant: Mutant | None, folder: Path) -> Path:
    """The reference with the mutant's change, below `folder`: what PYTHONPATH has to name."""
    target = folder / PACKAGE
    shutil.copytree(TREE, target, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    for file, text in (mutant.sources() if mutant else {}).items():
        (target / file).write_text(text, encoding="utf-8")
    return folder
