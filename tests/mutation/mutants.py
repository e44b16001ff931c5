"""Every way in which one condition, one guarding term or one write of a file is taken away."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

_MOMENTS = {"not_before", "not_after", "due_at", "hold_for"}
_TERMS = {"index", "unless_held", "unless_frozen", "durable_within", "lifts", "watch", "leave"}
GUARDING = _MOMENTS | _TERMS
"""Terms of a commit: without one the commit is as good as without its guard."""
_WRITES = r"redis\.call\('(?:HSET|HDEL|HINCRBY|SET|DEL|ZADD|ZREM|ZREMRANGEBYSCORE|XADD|PEXPIRE)'"
_LUA_WRITE = re.compile(rf"^\s*(?:{_WRITES}|add\().*\)$", re.MULTILINE)
_LUA_TEST = r"\b(?:if|elseif) (?P<test>.+?) then\b"
_LUA_RESULT = r"^\s*return (?P<result>.+ (?:==|~=|[<>]=?) .+)$"
_LUA_CONDITION = re.compile(f"{_LUA_TEST}|{_LUA_RESULT}", re.MULTILINE)
_IN_BRACKETS = re.compile(r"\([^)]*\b(?:and|or)\b")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one file: the bytes from `start` to `end` become `now`."""

    path: str
    line: int
    within: str
    start: int
    end: int
    was: str
    now: str

    @property
    def name(self) -> str:
        """Name it in a way that outlives other changes of the file."""
        return f"{self.path} {self.within}: {' '.join(self.was.split())} -> {self.now or 'nothing'}"

    def applied(self, source: bytes) -> bytes:
        """Return the file with this change."""
        return source[: self.start] + self.now.encode() + source[self.end :]


def mutants(path: str, source: bytes) -> list[Mutant]:
    """Return every mutant of a file, in order and none twice."""
    found = _of_lua(path, source) if path.endswith(".lua") else _of_python(path, source)
    return sorted(
        {(m.start, m.end, m.now): m for m in found if m.was != m.now}.values(), key=lambda m: (m.start, m.end, m.now)
    )


def _of_lua(path: str, source: bytes) -> Iterator[Mutant]:
    text = source.decode("latin-1")  # one sign a byte, so that positions in the text are positions in the bytes

    def mutant(start: int, end: int, now: str) -> Mutant:
        within = re.findall(r"^local function (\w+)", text[:start], re.MULTILINE)
        line = text.count("\n", 0, start) + 1
        return Mutant(path, line, within[-1] if within else "", start, end, text[start:end], now)

    for condition in _LUA_CONDITION.finditer(text):
        group = "test" if condition["test"] else "result"
        start, end = condition.span(group)
        yield mutant(start, end, "false")
        yield mutant(start, end, "true")
        for now in _without_an_operand(condition[group]):
            yield mutant(start, end, now)
    for write in _LUA_WRITE.finditer(text):
        start = write.start() + len(write[0]) - len(write[0].lstrip())
        yield mutant(start, write.end(), "")


def _without_an_operand(condition: str) -> Iterator[str]:
    operands = re.split(r" (?:and|or) ", condition)
    if len(operands) == 1 or _IN_BRACKETS.search(condition):
        return
    for operand in map(re.escape, operands):
        yield re.sub(rf"^{operand} (?:and|or) | (?:and|or) {operand}(?=$| and | or )", "", condition, count=1)


def _of_python(path: str, source: bytes) -> Iterator[Mutant]:
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def mutant(within: str, first: ast.AST, now: str, last: ast.AST | None = None) -> Mutant:
        start = starts[first.lineno - 1] + first.col_offset  # type: ignore[attr-defined]
        end = starts[(last or first).end_lineno - 1] + (last or first).end_col_offset  # type: ignore[attr-defined]
        return Mutant(path, first.lineno, within, start, end, source[start:end].decode(), now)  # type: ignore[attr-defined]

    for within, node in _nodes(ast.parse(source), ""):
        if not within:
            continue  # a constant, made before a mutant can be put in
        for part in _conditions(node):
            yield mutant(within, part, "False")
            yield mutant(within, part, "True")
        if isinstance(node, ast.BoolOp):
            word = " and " if isinstance(node.op, ast.And) else " or "
            for dropped in node.values:
                kept = (ast.unparse(value) for value in node.values if value is not dropped)
                yield mutant(within, node, f"({word.join(kept)})")
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _NEIGHBOURS:
            left, right = ast.unparse(node.left), ast.unparse(node.comparators[0])
            yield mutant(within, node, f"({left} {_NEIGHBOURS[type(node.ops[0])]} {right})")
        if isinstance(node, ast.keyword) and node.arg in GUARDING:
            yield mutant(within, node, "**{}")


_NEIGHBOURS: dict[type[ast.cmpop], str] = {ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">"}


def _conditions(node: ast.AST) -> Iterator[ast.expr]:
    """Yield what decides at this node, but not the parts of a larger decision."""
    if isinstance(node, (ast.If, ast.While, ast.IfExp)):
        yield node.test
    elif isinstance(node, ast.comprehension):
        yield from node.ifs
    elif isinstance(node, (ast.Return, ast.Assign, ast.keyword)) and isinstance(node.value, (ast.Compare, ast.BoolOp)):
        yield node.value
    elif isinstance(node, ast.Call):
        yield from (argument for argument in node.args if isinstance(argument, ast.Compare))


def _nodes(tree: ast.AST, within: str) -> Iterator[tuple[str, ast.AST]]:
    """Yield every node with the function or class that it stands in."""
    for child in ast.iter_child_nodes(tree):
        is_place = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        place = child.name if is_place else within  # type: ignore[attr-defined]
        yield place, child
        yield from _nodes(child, place)
