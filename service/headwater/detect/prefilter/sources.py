"""The sources of a pack: which names never change their value, and where a function is written down."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import CodeType, FunctionType

# Names by which code can change a constant unseen.
ESCAPES = frozenset(("globals", "locals", "vars", "exec", "eval", "setattr", "delattr", "sys", "importlib", "builtins"))
# What can be called with a container, or as its method, without changing or keeping it.
HARMLESS = frozenset(
    (
        "len",
        "any",
        "all",
        "set",
        "list",
        "tuple",
        "dict",
        "sorted",
        "frozenset",
        "isinstance",
        "str",
        "min",
        "max",
        "sum",
    )
)
HARMLESS_METHODS = frozenset(("get", "keys", "values", "items", "index", "count", "copy", "union", "difference"))


class Source:
    """One Python file, read once."""

    def __init__(self, file: str, text: bytes) -> None:
        self.file = file
        self.text = text

    @cached_property
    def tree(self) -> ast.Module | None:
        """Its syntax tree; None where it has none."""
        try:
            return ast.parse(self.text)
        except (SyntaxError, ValueError, RecursionError):
            return None

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Everything in the tree."""
        return list(ast.walk(self.tree)) if self.tree else []

    @cached_property
    def words(self) -> frozenset[str]:
        """Every name in the text."""
        return frozenset(re.findall(r"[^\W\d]\w*", self.text.decode(errors="replace")))

    @cached_property
    def parents(self) -> dict[int, ast.AST]:
        """The node around each node, by its id."""
        return {id(child): node for node in self.nodes for child in ast.iter_child_nodes(node)}

    @cached_property
    def rebound(self) -> dict[str, frozenset[str]]:
        """Names that functions rebind in the module, and the functions that do."""
        found: dict[str, frozenset[str]] = {}
        for node in self.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for inner in ast.walk(node):
                    for name in inner.names if isinstance(inner, ast.Global) else ():
                        found[name] = found.get(name, frozenset()) | {node.name}
        return found

    @cached_property
    def escapes(self) -> bool:
        """Whether its code can change names in ways that cannot be read."""
        return any(isinstance(node, ast.Name) and node.id in ESCAPES for node in self.nodes)

    @cached_property
    def defined(self) -> frozenset[str]:
        """Every name that the file gives a meaning of its own."""
        named = (
            node.name for node in self.nodes if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
        )
        stored = (node.id for node in self.nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load))
        given = (
            alias.asname or alias.name
            for node in self.nodes
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        )
        return frozenset((*named, *stored, *given))

    @cached_property
    def functions(self) -> dict[tuple[str, int], tuple[ast.FunctionDef, CodeType]]:
        """The plain functions by name and first line, with what they compile to."""
        if self.tree is None:
            return {}
        codes = {
            (code.co_name, code.co_firstlineno): code
            for code in _codes(compile(self.text, self.file, "exec", dont_inherit=True))
        }
        found = {}
        for node in self.nodes:
            if isinstance(node, ast.FunctionDef):
                place = (node.name, min([node.lineno, *(each.lineno for each in node.decorator_list)]))
                if place in codes:
                    found[place] = (node, codes[place])
        return found

    def leaks(self, name: str) -> bool:
        """Whether something in the file could change the container that a name stands for, or hand it on."""
        return any(
            isinstance(node, ast.Name)
            and node.id == name
            and isinstance(node.ctx, ast.Load)
            and not self.is_harmless(node)
            for node in self.nodes
        )

    def is_harmless(self, node: ast.expr) -> bool:
        """Whether what stands around a name only looks at the container."""
        around = self.parents.get(id(node))
        match around:
            case ast.Compare() | ast.FormattedValue() | ast.BinOp() | ast.UnaryOp():
                return True
            case ast.For(iter=it) | ast.comprehension(iter=it):
                return it is node
            case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
                return test is node
            case ast.Subscript(value=value, ctx=ast.Load()):
                return value is node
            case ast.Attribute(attr=attr, ctx=ast.Load()):
                call = self.parents.get(id(around))
                return attr in HARMLESS_METHODS and isinstance(call, ast.Call) and call.func is around
            case ast.Call(func=ast.Name(id=name)) if around.func is not node:
                return name in HARMLESS - self.defined
            case ast.Call(func=ast.Attribute(attr="join")) if around.func is not node:
                return True
            case ast.Call():
                return around.func is node
            case _:
                return False


def _codes(code: CodeType) -> Iterator[CodeType]:
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield inner
            yield from _codes(inner)


@dataclass(frozen=True, slots=True)
class Sources:
    """All files of a folder of detections. helpers: the name by which a file is imported → the file."""

    files: Mapping[str, Source]
    helpers: Mapping[str, str]

    def definition(self, function: FunctionType) -> ast.FunctionDef | None:
        """Where a function is written down, if it is certain that this is what runs."""
        code = function.__code__
        source = self.files.get(code.co_filename)
        found = source.functions.get((code.co_name, code.co_firstlineno)) if source else None
        return found[0] if found and found[1] == code else None

    def is_fixed(self, file: str, name: str, assumed: frozenset[str] = frozenset()) -> bool:
        """Whether a name of a module means the same after load. assumed: names for which the caller makes sure."""
        source = self.files.get(file)
        if source is None or source.tree is None or source.escapes:
            return False
        if name in source.rebound and name not in assumed:
            return False
        return not any(self._stores(other, name) for other in self._others(file, name))

    def is_frozen(self, file: str, name: str, assumed: frozenset[str] = frozenset()) -> bool:
        """Whether the container that a name of a module means is the same after load."""
        source = self.files[file]
        if not self.is_fixed(file, name, assumed) or source.leaks(name):
            return False
        home, original = self._home(source, name)
        if home is None:
            return False
        if home is not source and (not self.is_fixed(home.file, original) or home.leaks(original)):
            return False
        return all(self._only_looks(other, home, original) for other in self._others(home.file, original))

    def _home(self, source: Source, name: str, depth: int = 0) -> tuple[Source | None, str]:
        """The file that makes the container of a name, and its name there."""
        body = source.tree.body if source.tree else []
        made = [node for node in body if _makes(node, name)]
        given = [
            (node, alias)
            for node in body
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
            if (alias.asname or alias.name) == name
        ]
        if len(made) == 1 and not given:
            return source, name
        if made or len(given) != 1 or depth > 4:
            return None, name
        node, alias = given[0]
        file = self.helpers.get(node.module or "") if not node.level else None
        found = self.files.get(file) if file else None
        return self._home(found, alias.name, depth + 1) if found else (None, name)

    def _others(self, file: str, name: str) -> Iterator[Source]:
        """The files that may know a name of another one."""
        module = next((module for module, path in self.helpers.items() if path == file), None)
        if module is None:
            return  # nothing can import the module of a rule
        for other in self.files.values():
            if other.file != file and module in other.words and ({name, "*"} & other.words or b"*" in other.text):
                yield other

    def _stores(self, source: Source, name: str) -> bool:
        return any(
            isinstance(node, ast.Attribute) and node.attr == name and not isinstance(node.ctx, ast.Load)
            for node in source.nodes
        )

    def _only_looks(self, source: Source, home: Source, name: str) -> bool:
        module = next(module for module, path in self.helpers.items() if path == home.file)
        for node in source.nodes:
            if isinstance(node, ast.ImportFrom) and node.module == module:
                for alias in node.names:
                    if alias.name == "*" or (alias.name == name and source.leaks(alias.asname or alias.name)):
                        return False
            if isinstance(node, ast.Attribute) and node.attr == name and not source.is_harmless(node):
                return False
        return True


def _makes(node: ast.AST, name: str) -> bool:
    """Whether a statement binds a name to something new."""
    match node:
        case (
            ast.Assign(targets=[ast.Name(id=found)], value=value)
            | ast.AnnAssign(target=ast.Name(id=found), value=value)
        ):
            return found == name and isinstance(value, ast.List | ast.Set | ast.Dict | ast.Tuple | ast.Call)
        case _:
            return False
