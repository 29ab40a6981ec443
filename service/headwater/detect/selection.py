"""Which rules run on which rows of a table, by conditions on its columns.

Rows that look alike to all tests of all rules are decided together and remembered, so that the cost of a row does not
grow with the number of rules. First comes what columns tell as they are; only where a rule is still in doubt is JSON
decoded, and only in the rows in doubt.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import chain
from typing import Generic, TypeVar

import pyarrow as pa

from headwater.detect.columns import Bits, Coded, Columns, Subject
from headwater.detect.conditions import AllOf, AnyOf, Condition, Test, required, subject, tests_in

Rule = TypeVar("Rule")
REMEMBERED = 50_000  # kinds of rows whose rules are kept


@dataclass(frozen=True, slots=True)
class Leaf:
    """One test: a bit of a subject."""

    subject: int
    mask: int


@dataclass(frozen=True, slots=True)
class Branch:
    """All parts, or any part."""

    conjunction: bool
    parts: tuple[Leaf | Branch, ...]


Node = bool | Leaf | Branch
Look = tuple[Bits, ...]  # what is known of each subject


@dataclass(frozen=True, slots=True)
class Decision:
    """The numbers of the rules that run, and of those in doubt with what is still to be asked. needs: JSON columns."""

    run: tuple[int, ...]
    doubts: tuple[tuple[int, Node], ...] = ()
    needs: frozenset[str] = frozenset()


class Selector(Generic[Rule]):
    """Some rules with their conditions."""

    def __init__(self, rules: Sequence[tuple[Condition, Rule]]) -> None:
        self._rules = [rule for _, rule in rules]
        conditions = [condition for condition, _ in rules]
        self._subjects, places = _subjects(conditions)
        self._nodes = [_node(condition, places) for condition in conditions]
        self._indexes, self._unindexed = _indexes(conditions, places)
        self._decided: dict[Look, Decision] = {}
        self._chosen: dict[tuple[int, ...], tuple[Rule, ...]] = {}

    def __len__(self) -> int:
        return len(self._rules)

    @property
    def conditional(self) -> int:
        """How many rules need not run on every row."""
        return sum(node is not True for node in self._nodes)

    def select(self, table: pa.Table) -> dict[int, tuple[Rule, ...]]:
        """Row → the rules that run on it, in their order; rows on which none runs are left out."""
        columns = Columns(table)
        if columns.is_open:
            return dict.fromkeys(range(table.num_rows), tuple(self._rules)) if self._rules else {}
        looks = reduce(Coded.joined, map(columns.seen, self._subjects), Coded(None, [()]))
        decided = Coded(looks.codes, [self._decide(look) for look in looks.labels])
        picked: dict[int, tuple[Rule, ...]] = {}
        for needs in dict.fromkeys(decision.needs for decision in decided.labels):
            rows = decided.where([decision.needs == needs for decision in decided.labels], table.num_rows)
            here = decided.take(rows)
            picked.update(self._picked(rows, self._resolved(columns, rows, here, needs) if needs else here))
        return dict(sorted(picked.items()))

    def _picked(self, rows: pa.Array, decided: Coded) -> Iterable[tuple[int, tuple[Rule, ...]]]:
        chosen = [self._tuple(decision.run) for decision in decided.labels]
        at = decided.where([bool(each) for each in chosen], len(rows))
        if decided.codes is None:
            return ((row, chosen[0]) for row in rows.take(at).to_pylist())
        return zip(rows.take(at).to_pylist(), map(chosen.__getitem__, decided.codes.take(at).to_pylist()), strict=True)

    def _tuple(self, numbers: tuple[int, ...]) -> tuple[Rule, ...]:
        if numbers not in self._chosen:
            self._chosen[numbers] = tuple(self._rules[number] for number in numbers)
        return self._chosen[numbers]

    def _decide(self, look: Look) -> Decision:
        """What can be told of rows that look like this before JSON is decoded."""
        if look not in self._decided:
            if len(self._decided) >= REMEMBERED:
                self._decided.clear()
            nodes = ((number, _narrowed(self._nodes[number], look)) for number in sorted(self._candidates(look)))
            left = [(number, node) for number, node in nodes if node is not False]
            doubts = tuple((number, node) for number, node in left if node is not True)
            needs = frozenset(self._subjects[one].key for _, node in doubts for one in _asked(node))
            self._decided[look] = Decision(tuple(number for number, node in left if node is True), doubts, needs)
        return self._decided[look]

    def _candidates(self, look: Look) -> set[int]:
        found = set(self._unindexed)
        for place, by_bit in self._indexes.items():
            bits = look[place]
            for bit, numbers in by_bit.items():
                if bits is None or bits & bit:
                    found.update(numbers)
        return found

    def _resolved(self, columns: Columns, rows: pa.Array, decided: Coded, needs: frozenset[str]) -> Coded:
        """The decisions on some rows with what their JSON says."""
        of_these = Counter(decision for decision in decided.labels if decision.needs == needs)
        asked = sorted({one for decision in of_these for _, node in decision.doubts for one in _asked(node)})
        coded = Coded(decided.codes, [(decision,) for decision in decided.labels])
        for key in sorted(needs):
            there = [self._subjects[one] for one in asked if self._subjects[one].key == key]
            coded = coded.joined(columns.decoded(key, there, rows))
        order = sorted(asked, key=lambda one: (self._subjects[one].key, one))
        looks = [(decision, dict(zip(order, chain(*bits), strict=True))) for decision, *bits in coded.labels]
        return Coded(coded.codes, [self._settle(decision, bits) for decision, bits in looks])

    def _settle(self, decision: Decision, bits: Mapping[int, int]) -> Decision:
        look = [bits.get(number) for number in range(len(self._subjects))]
        sure = [number for number, node in decision.doubts if _narrowed(node, look) is not False]
        return Decision(tuple(sorted((*decision.run, *sure))))


def _subjects(conditions: Iterable[Condition]) -> tuple[list[Subject], dict[Test, Leaf]]:
    """Everything that is looked at, and where each test has its bit."""
    tests: dict[tuple[str, tuple[str, ...]], dict[Test, None]] = defaultdict(dict)
    for condition in conditions:
        for test in tests_in(condition):
            tests[subject(test)][test] = None
    made = [Subject(key, inside, list(found)) for (key, inside), found in tests.items()]
    places = {test: Leaf(number, 1 << bit) for number, one in enumerate(made) for bit, test in enumerate(one.tests)}
    return made, places


def _node(condition: Condition, places: Mapping[Test, Leaf]) -> Node:
    if isinstance(condition, bool):
        return condition
    if isinstance(condition, AllOf | AnyOf):
        parts = (_node(part, places) for part in condition.parts)
        return Branch(isinstance(condition, AllOf), tuple(part for part in parts if not isinstance(part, bool)))
    return places[condition]


def _narrowed(node: Node, look: Sequence[Bits]) -> Node:
    """The node with what is known put in."""
    if isinstance(node, bool):
        return node
    if isinstance(node, Leaf):
        bits = look[node.subject]
        return node if bits is None else bool(bits & node.mask)
    left: list[Leaf | Branch] = []
    for part in node.parts:
        known = _narrowed(part, look)
        if not isinstance(known, bool):
            left.append(known)
        elif known is not node.conjunction:
            return known
    return (left[0] if len(left) == 1 else Branch(node.conjunction, tuple(left))) if left else node.conjunction


def _asked(node: Node) -> Iterable[int]:
    if isinstance(node, Leaf):
        yield node.subject
    elif isinstance(node, Branch):
        for part in node.parts:
            yield from _asked(part)


def _indexes(
    conditions: Sequence[Condition], places: Mapping[Test, Leaf]
) -> tuple[dict[int, dict[int, list[int]]], list[int]]:
    """Subject → bit → rules that need one of these bits to be set, and the rules that need none."""
    needed = [{one: tests for one, tests in required(condition).items() if not one[1]} for condition in conditions]
    popular = Counter(one for each in needed for one in each)
    indexes: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    unindexed: list[int] = []
    for number, keys in enumerate(needed):
        if not keys:
            unindexed.append(number)
            continue
        best = max(keys, key=lambda one: (popular[one], one))
        for test in keys[best]:
            indexes[places[test].subject][places[test].mask].append(number)
    return indexes, unindexed
