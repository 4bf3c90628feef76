"""Where a module can be broken by a machine, and how: one small change of its text at a time.

Pure. Annotations, decorators, texts and imports for types are left alone: at run time they decide nothing.
"""

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="), ast.LtE: ("<=", "<"), ast.Gt: (">", ">="), ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="), ast.NotEq: ("!=", "=="), ast.Is: ("is", "is not"), ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"), ast.NotIn: ("not in", "in"),
}  # fmt: skip
ARITHMETIC: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "+"), ast.FloorDiv: ("//", "*"),
    ast.Div: ("/", "*"), ast.Mod: ("%", "+"), ast.BitAnd: ("&", "|"), ast.BitOr: ("|", "&"),
    ast.LShift: ("<<", ">>"), ast.RShift: (">>", "<<"),
}  # fmt: skip
BOOLEAN: dict[type[ast.boolop], tuple[str, str]] = {ast.And: ("and", "or"), ast.Or: ("or", "and")}
# Fields that hold no decision: what a type is, what a message says.
QUIET = {
    ast.FunctionDef: {"returns", "decorator_list"},
    ast.ClassDef: {"bases", "decorator_list"},
    ast.AnnAssign: {"annotation"},
    ast.arg: {"annotation"},
    ast.Raise: {"exc", "cause"},
}


@dataclass(frozen=True)
class Mutant:
    """One change: the characters from `start` to `end` of a module's text become `new`."""

    module: str
    function: str
    line: str
    start: int
    end: int
    new: str
    change: str
    again: int = 1  # the second, third ... of this name

    @property
    def key(self) -> str:
        """What it is called. No line number is in it: lines move."""
        times = f", {self.again}" if self.again > 1 else ""
        return f"{self.module} {self.function}: {self.line} [{self.change}{times}]"

    def applied(self, text: str) -> str:
        """The broken module."""
        return text[: self.start] + self.new + text[self.end :]


def mutants(module: str, text: str) -> list[Mutant]:
    """Every mutant of a module, in the order of its text; `text` is ASCII as all sources here are."""
    found = sorted(_Finder(module, text).walk(ast.parse(text), "module"), key=lambda each: each.start)
    names: Counter[str] = Counter()
    for at, mutant in enumerate(found):
        names[mutant.key] += 1
        found[at] = replace(mutant, again=names[mutant.key])
    return found


def _for_types(node: ast.If) -> bool:
    return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


class _Finder:
    def __init__(self, module: str, text: str) -> None:
        self.module, self.text = module, text
        self.lines = text.splitlines(keepends=True)
        self.begins = [0]
        for line in self.lines:
            self.begins.append(self.begins[-1] + len(line))

    def walk(self, node: ast.AST, function: str) -> Iterator[Mutant]:
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.If) and _for_types(node)):
            return
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            function = node.name if function == "module" else f"{function}.{node.name}"
        for start, end, new, change in self._here(node):
            line = self.text[self.begins[node.lineno - 1] :].splitlines()[0].strip()  # type: ignore[attr-defined]
            yield Mutant(self.module, function, line, start, end, new, change)
        for name, value in ast.iter_fields(node):
            if name in QUIET.get(type(node), ()):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from self.walk(child, function)

    def _here(self, node: ast.AST) -> Iterator[tuple[int, int, str, str]]:
        match node:
            case ast.Compare(ops=[op]) if type(op) in COMPARISONS:
                yield self._between(node.left, node.comparators[0], COMPARISONS[type(op)])
            case ast.BinOp(op=op) if type(op) in ARITHMETIC:
                yield self._between(node.left, node.right, ARITHMETIC[type(op)])
            case ast.BoolOp(op=op, values=[left, right, *_]):
                yield self._between(left, right, BOOLEAN[type(op)])
            case ast.UnaryOp(op=ast.Not()):
                yield self._whole(node, self._source(node.operand), "no not")
            case ast.Constant(value=bool(value)):
                yield self._whole(node, str(not value), str(not value))
            case ast.Constant(value=int(value)):
                yield self._whole(node, str(value + 1), f"{value} -> {value + 1}")
            case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
                yield self._whole(test, f"not ({self._source(test)})", "negated")
            case ast.Return(value=value) if value is not None and not isinstance(value, ast.Constant):
                yield self._whole(value, "None", "return None")
            case ast.AugAssign() | ast.Raise() | ast.Expr(value=ast.Call()):
                yield self._whole(node, "pass", "dropped")
            case ast.Continue():
                yield self._whole(node, "break", "break")
            case ast.Break():
                yield self._whole(node, "continue", "continue")

    def _place(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None and node.end_col_offset is not None
        return (
            self.begins[node.lineno - 1] + node.col_offset,
            self.begins[node.end_lineno - 1] + node.end_col_offset,
        )

    def _source(self, node: ast.expr) -> str:
        start, end = self._place(node)
        return self.text[start:end]

    def _whole(self, node: ast.expr | ast.stmt, new: str, change: str) -> tuple[int, int, str, str]:
        return *self._place(node), new, change

    def _between(self, left: ast.expr, right: ast.expr, words: tuple[str, str]) -> tuple[int, int, str, str]:
        """The operator that stands between two operands."""
        first, last = self._place(left)[1], self._place(right)[0]
        old, new = words
        at = self.text.index(old, first, last)
        return at, at + len(old), new, f"{old} -> {new}"
