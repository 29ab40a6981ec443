"""The pre-filter never loses a match: it may only keep rows away on which a rule would return False."""

from __future__ import annotations

import textwrap
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.detect.conditions import Condition, OneOf, all_of, any_of
from headwater.detect.datamodel import DataModel, compile_path
from headwater.detect.engine import Engine
from headwater.detect.load import builtin_path, load_pack
from headwater.detect.modules import Namespace
from headwater.detect.prefilter import Source, Sources, derive
from headwater.detect.selection import Selector
from headwater.model import Match
from support import prefilter

PACK = load_pack([builtin_path()])
AGAIN = load_pack([builtin_path()])
MODEL = b"""
def kind(event):
    if event.get("k") == "a":
        return "first"
    return None
"""
ROWS = [
    {"k": "a", "n": 1, "o": {"x": "a"}, "b": True},
    {"k": "b", "n": 2, "o": {"x": ["a"]}, "b": False},
    {"k": "", "n": 0, "o": [1]},
    {"n": 22, "o": {"y": "a"}},
    {"k": "a", "n": 22},
    {},
]


def condition_of(body: str, **helpers: str) -> Condition:
    """What is derived of a rule. helpers: modules that it can import."""
    texts = {"r.py": textwrap.dedent(body), **{f"{name}.py": textwrap.dedent(text) for name, text in helpers.items()}}
    with TemporaryDirectory() as folder:
        texts["m.py"] = MODEL.decode()
        for name, text in texts.items():
            (Path(folder) / name).write_text(text)
        namespace = Namespace(Path(folder), {name: Path(folder) / f"{name}.py" for name in helpers})
        file = str(Path(folder) / "r.py")
        module = namespace.run("R", file, texts["r.py"].encode())
        files = {
            str(Path(folder) / name): Source(str(Path(folder) / name), text.encode()) for name, text in texts.items()
        }
        sources = Sources(files, {name: str(Path(folder) / f"{name}.py") for name in helpers})
        return derive(module, sources, model(namespace, folder)).condition


def model(namespace: Namespace, folder: str) -> DataModel:
    """A data model: who is a path, kind a method."""
    python = Path(folder) / "m.py"
    return DataModel("M", ("T",), {"who": compile_path("k")}, {"kind": namespace.run("M", str(python), MODEL).kind})


def rows_meeting(condition: Condition, table: pa.Table) -> list[int]:
    return list(Selector([(condition, "rule")]).select(table))


def rows_kept(body: str, batch: Any, **helpers: str) -> list[int]:
    return rows_meeting(condition_of(body, **helpers), batch.table)


@pytest.mark.parametrize(
    ("statements", "kept"),
    [
        ("return event.get('k') == 'a'", [0, 4]),
        ("return 'a' == event.get('K')", [0, 4]),
        ("return event.get('k') != 'a'", [1, 2, 3, 5]),
        ("return event.get('k', 'a') == 'a'", [0, 3, 4, 5]),
        ("return event.get('k') in ('a', 'b')", [0, 1, 4]),
        ("return event.get('k') in NAMES", [0, 1, 4]),
        ("return event.get('k') in LISTED", [0, 1, 4]),
        ("return event.get('k') not in NAMES", [2, 3, 5]),
        ("return event.get('k') is None", [3, 5]),
        ("return event.get('k') is not None", [0, 1, 2, 4]),
        ("return event['k'] == 'a'", [0, 3, 4, 5]),
        ("return event.get('n') == 22.0", [3, 4]),
        ("return event.get('n') == True", [0]),
        ("return event.get('n') == '22'", []),
        ("return event.get('b') == 1", [0]),
        ("return event.get('absent') == 'x'", []),
        ("return event.get('absent') is None", [0, 1, 2, 3, 4, 5]),
        ("return event.deep_get('k') == 'a'", [0, 4]),
        ("return event.deep_get('k', default='a') == 'a'", [0, 3, 4, 5]),
        ("return event.deep_get('o', 'x') == 'a'", [0]),
        ("return event.deep_get('o', 'x', default='a') == 'a'", [0, 2, 3, 4, 5]),
        ("return event.deep_get('o', 'x') in ('a', 'z')", [0]),
        ("return event.deep_get('o', 'x') in NAMES", [0, 1]),
        ("return event.deep_get('o', 'x') != 'a'", [1, 2, 3, 4, 5]),
        ("return event.get('k') == 'a' and event.get('n') == 22", [4]),
        ("return event.get('k') == 'b' or event.get('n') == 22", [1, 3, 4]),
        ("return not (event.get('k') == 'a' or event.get('n') == 22)", [1, 2, 5]),
        ("return all([event.get('k') == 'a', event.get('n') == 22])", [4]),
        ("return any((event.get('k') == 'b', event.get('n') == 22))", [1, 3, 4]),
        ("return bool(event.get('k'))", [0, 1, 4]),
        ("return True if event.get('k') == 'b' else False", [1]),
        ("return event.get('k') == 'a' and unknown(event)", [0, 4]),
        ("return unknown(event) and event.get('k') == 'a'", [0, 1, 2, 3, 4, 5]),
        ("return event.get('k') and event.get('n') == 22", [2, 3, 4, 5]),
        ("if event.get('k') != 'a':\n        return False\n    return unknown(event)", [0, 4]),
        ("if event.get('k') != 'a':\n        return None\n    return False", [1, 2, 3, 5]),
        (
            "if event.get('k') == 'a':\n        return True\n    else:\n        return event.get('n') == 2",
            [0, 1, 4],
        ),
        ("name = event.get('k')\n    if name in ('b',):\n        return True\n    return False", [1]),
        ("wanted = event.get('k') == 'a'\n    return wanted and event.get('n') == 1", [0]),
        ("if not event.get('k'):\n        return False\n    return True", [0, 1, 4]),
        ("'''Text.'''\n    pass\n    return False", []),
        ("return event.get('k') in 'ab'", [0, 1, 2, 3, 4, 5]),
        ("return event.get('n') > 2", [3, 4, 5]),
        ("return 2 >= event.get('n', 9)", [0, 1, 2]),
        ("return not (event.get('n') or 0) < 22", [3, 4]),
        ("return event.get('k', 1) > 2", [0, 1, 2, 4]),
        ("return event.get('k') in CHANGED", [0, 1, 2, 3, 4, 5]),
        ("return event.get('k') == REBOUND", [0, 1, 2, 3, 4, 5]),
        ("return event.get('o') == 'a'", []),
        ("return event.get(key()) == 'a'", [0, 1, 2, 3, 4, 5]),
        ("unknown(event)\n    return event.get('k') == 'a'", [0, 1, 2, 3, 4, 5]),
        ("event = {'k': 'a'}\n    return event.get('k') == 'a'", [0, 1, 2, 3, 4, 5]),
        ("for _ in ():\n        pass\n    return event.get('k') == 'a'", [0, 4]),
        ("global REBOUND\n    return event.get('k') == 'a'", [0, 4]),
        ("if event.get('k') == 'a':\n        pass", [0, 1, 2, 3, 4, 5]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_rows_that_a_rule_must_see(batch_of: Any, statements: str, kept: list[int]) -> None:
    body = "NAMES = {'a', 'b'}\nLISTED = ['a', 'b']\nCHANGED = ['a']\nREBOUND = 'a'\n"
    body += "def unknown(event):\n    CHANGED.append('b')\ndef rebind():\n    global REBOUND\n    REBOUND = 'b'\n"

    assert rows_kept(f"{body}def rule(event):\n    {statements}\n", batch_of(ROWS)) == kept


@pytest.mark.parametrize(
    "body",
    [
        "def rule(event, other=None):\n    return event.get('k') == 'a'\n",
        "def rule(*event):\n    return event.get('k') == 'a'\n",
        "def rule(event):\n    return event.get('k') == 'a'\nrule = print\n",
        "rule = lambda event: event.get('k') == 'a'\n",
        "import functools\n@functools.cache\ndef rule(event):\n    return event.get('k') == 'a'\n",
        "def rule(event):\n    yield event.get('k') == 'a'\n",
        "X = 'a'\ndef rule(event):\n    return event.get('k') == X\ndef title(event):\n    globals()['X'] = 'b'\n",
        "def all(parts):\n    return True\ndef rule(event):\n    return all([event.get('k') == 'a'])\n",
        "def rule(event):\n" + "    x = event.get('k') == 'a'\n" * 500 + "    return x\n",
        "def rule(event):\n"
        + "    if event.get('k') == 'a':\n        x = event.get('n')\n" * 20
        + "    return False\n",
    ],
    ids=[
        "default",
        "star",
        "rebound",
        "lambda",
        "decorated",
        "generator",
        "globals",
        "shadowed",
        "long",
        "deep",
    ],
)
def test_rule_that_is_not_understood_sees_every_row(body: str) -> None:
    assert condition_of(body) is True


HELPERS = {
    "texts": """
        NAMES = {"a", "z"}
        GROWING = {"a"}
        PREFIX = "a"
        def grow():
            GROWING.add("b")
        def name_of(event, key, default=None):
            return event.get(key, default)
        def is_a(event):
            if event.get("k") == "a":
                return True
            return False
        def counted(event, seen=[]):
            seen.append(event)
            return event.get("k")
        def walk(mapping, *keys, default=None):
            for key in keys:
                if not isinstance(mapping, dict):
                    return default
                mapping = mapping.get(key)
            return mapping
        def deep(mapping, *keys, default=None):
            found = reduce(lambda inner, key: inner.get(key, default) if isinstance(inner, Mapping) else default,
                           keys, mapping)
            return default if found is None else found
        from collections.abc import Mapping
        from functools import reduce
    """
}


@pytest.mark.parametrize(
    ("statements", "kept"),
    [
        ("return event.get('k') in texts.NAMES", [0, 4]),
        ("return event.get('k') in NAMES", [0, 4]),
        ("return event.get('k') in GROWING", [0, 1, 2, 3, 4, 5]),
        ("return event.get('k', '').startswith('a')", [0, 4]),
        ("return event.get('k', '').upper() == 'A'", [0, 4]),
        ("return event.get('k').endswith(('b', 'c'))", [1, 3, 5]),
        ("return 'b' in event.get('k', '')", [1]),
        ("return 'x' in event.get('o', {})", [0, 1, 2, 3]),
        ("return event.get('o', {}).get('x') == 'a'", [0, 2]),
        ("return (event.get('o') or {}).get('y') == 'a'", [2, 3]),
        ("return event['o']['x'] == 'a'", [0, 2, 3, 4, 5]),
        ("return event.deep_get('o', 'X') == 'a'", [0]),
        ("return event.deep_walk('o', 'x') == 'a' and event.get('k') == 'b'", [0, 1, 2, 3]),
        ("return name_of(event, 'k') == 'b'", [1]),
        ("return name_of(event, 'k', default='b') == 'b'", [1, 3, 5]),
        ("return is_a(event) and event.get('n') == 22", [4]),
        ("return texts.is_a(event)", [0, 4]),
        ("return counted(event) == 'a'", [0, 1, 2, 3, 4, 5]),
        ("return deep(event, 'o', 'x') == 'a'", [0]),
        ("return deep(event, 'o', 'x', default='a') == 'a'", [0, 2, 3, 4, 5]),
        ("return any(event.get('k') == name for name in ('b', 'c'))", [1]),
        ("return any(event.get('k') == name for name in NAMES if name != 'a')", []),
        ("return all(event.get('k') != name for name in ['a', 'b'])", [2, 3, 5]),
        ("return any([event.get('k').startswith(name) for name in NAMES])", [0, 3, 4, 5]),
        ("for name in ('b', 'c'):\n        if event.get('k') == name:\n            return True\n    return False", [1]),
        (
            "for name in NAMES:\n        if event.get('k') == name:\n            break\n    else:\n        return True"
            "\n    return False",
            [1, 2, 3, 5],
        ),
        ("if (name := event.get('k')) == 'b':\n        return True\n    return name == 'a'", [0, 1, 4]),
        (
            "match event.get('k'):\n        case 'a' | 'c':\n            return True\n        case None:\n"
            "            return False\n        case _ if event.get('n') == 2:\n            return True\n"
            "    return False",
            [0, 1, 4],
        ),
        ("names = {'b': True, 'c': True}\n    return names.get(event.get('k'), False)", [1]),
        ("return event.get('k') == 'a' == event.get('k')", [0, 4]),
        ("return f\"{event.get('k')}\" == 'a' if event.get('n') == 2 else False", [1]),
        (
            "try:\n        ip_address(event.get('k'))\n    except ValueError:\n        return False\n"
            "    return event.get('n') == 2",
            [1],
        ),
        (
            "try:\n        unknown(event)\n    except ValueError:\n        return False\n    return True",
            [0, 1, 2, 3, 4, 5],
        ),
        ("return re.match('^ab', event.get('k', '')) is not None", [3, 5]),
        ("return bool(re.search('a', event.get('k', '')))", [0, 1, 2, 3, 4, 5]),
        ("return isinstance(event.get('k'), str) and event.get('n') == 2", [1]),
        ("return isinstance(event.get('o'), Mapping) and event.deep_get('o', 'y') == 'a'", [3]),
        ("return event.udm('who') == 'b'", [1]),
        ("return event.udm('kind') == 'first'", [0, 4]),
        ("return event.udm('absent') == 'b'", []),
        ("return event.get('k', '-').split('-')[0] == 'a' and event.get('n') == 1", [0]),
        ("global STATE\n    STATE = {}\n    return event.get('k') == 'b'", [1]),
        ("if event.get('k') == 'b':\n        global STATE\n        STATE = {}\n    return False", [1]),
        ("STATE.append(event)\n    return False", [0, 1, 2, 3, 4, 5]),
        ("names = ['a']\n    names.append(event.get('k'))\n    return event.get('k') in names", [0, 1, 2, 3, 4, 5]),
        ("return event.get('n') > 2 and event.get('k') == 'b'", [5]),
        ("return event.get('k') in ('a', 'b') and event.get('k') not in ('b',)", [0, 4]),
        ("raise ValueError", [0, 1, 2, 3, 4, 5]),
        ("assert event.get('k') == 'a'\n    return False", [1, 2, 3, 5]),
        ("while event.get('k') == 'a':\n        pass\n    return False", [0, 1, 2, 3, 4, 5]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_rows_that_a_rule_with_helpers_must_see(batch_of: Any, statements: str, kept: list[int]) -> None:
    head = "import re\nimport texts\nfrom collections.abc import Mapping\nfrom ipaddress import ip_address\n"
    head += "from texts import NAMES, GROWING, name_of, is_a, counted, deep\nSTATE = []\n"
    head += "def unknown(event):\n    print(event)\n"

    assert rows_kept(f"{head}def rule(event):\n    {statements}\n", batch_of(ROWS), **HELPERS) == kept


def test_keys_that_differ_in_case_only_shadow_each_other(batch_of: Any) -> None:
    batch = batch_of([{"k": None, "K": "a"}, {"k": "b", "K": "a"}])

    assert rows_kept("def rule(event):\n    return event.get('k') == 'a'\n", batch) == [0]
    assert rows_kept("def rule(event):\n    return event.get('K') == 'a'\n", batch) == [0, 1]


def test_text_that_json_writes_as_an_escape_is_found(batch_of: Any) -> None:
    condition = OneOf("o", frozenset({'say "hé"'}), inside=("x",))

    assert rows_meeting(condition, batch_of([{"o": {"x": 'say "hé"'}}, {"o": {"x": "other"}}]).table) == [0]


def test_record_kept_whole_may_hold_any_key() -> None:
    schema = pa.schema([pa.field("data", pa.string(), metadata={b"json": b"true", b"whole": b"true"})])
    table = pa.table({"data": ['{"k":"a"}', '{"k":"b"}']}, schema=schema)

    for body in ("event.get('k') == 'a'", "event.deep_get('k', 'x') == 'a'", "event.get('data') == 'a'"):
        assert rows_kept_of(table, body) == [0, 1]


def rows_kept_of(table: pa.Table, body: str) -> list[int]:
    return rows_meeting(condition_of(f"def rule(event):\n    return {body}"), table)


def test_conditions_are_kept_short() -> None:
    one, two = OneOf("k", frozenset("a")), OneOf("k", frozenset("b"))

    assert all_of(one, True, one) == one
    assert all_of(one, False) is False
    assert any_of(one, True) is True
    assert any_of() is False
    assert all_of(one, all_of(two, one)) == all_of(one, two)


def summary(matches: tuple[Match, ...]) -> list[tuple[str, ...]]:
    return sorted(
        (match.kind, match.rule_id, match.row_id, match.title, match.dedup, match.context) for match in matches
    )


KEYS = ["k", "K", "n", "absent", "o"]
VALUES = ["'a'", "'b'", "''", "None", "1", "22", "True", "0"]
reads = st.one_of(
    st.builds("event.get({!r})".format, st.sampled_from(KEYS)),
    st.builds("event.get({!r}, {})".format, st.sampled_from(KEYS), st.sampled_from(VALUES)),
    st.builds("event[{!r}]".format, st.sampled_from(KEYS)),
    st.builds("event.deep_get('o', 'x', default={})".format, st.sampled_from(VALUES)),
    st.just("name"),
)
containers = st.lists(st.sampled_from(VALUES), min_size=1, max_size=3).flatmap(
    lambda items: st.sampled_from([f"({', '.join(items)},)", f"{{{', '.join(items)}}}", f"[{', '.join(items)}]"])
)
tests = st.one_of(
    st.builds("{} {} {}".format, reads, st.sampled_from(["==", "!="]), st.sampled_from(VALUES)),
    st.builds("{} {} {}".format, reads, st.sampled_from(["in", "not in"]), containers),
    st.builds("{} {} None".format, reads, st.sampled_from(["is", "is not"])),
    reads,
    st.sampled_from(["True", "False", "None", "event.get('n') > 1"]),
)
expressions = st.recursive(
    tests,
    lambda inner: st.one_of(
        st.builds("(not {})".format, inner),
        st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or"]), inner),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("{}([{}, {}])".format, st.sampled_from(["all", "any"]), inner, inner),
        st.builds("bool({})".format, inner),
    ),
    max_leaves=5,
)
guards = st.lists(
    st.one_of(
        st.builds(
            "    if {}:\n        return {}\n".format,
            expressions,
            st.one_of(st.sampled_from(["True", "False"]), expressions),
        ),
        st.builds("    name = {}\n".format, expressions),
    ),
    max_size=3,
)
cells = st.fixed_dictionaries(
    {},
    optional={
        "k": st.sampled_from(["a", "b", ""]),
        "n": st.sampled_from([0, 1, 22]),
        "o": st.sampled_from([{"x": "a"}, {"x": None}, {"X": "b"}, {"y": "a"}, [1], {"x": ["a"]}, {"x": 1}]),
    },
)


@given(guards=guards, last=expressions, rows=st.lists(cells, min_size=1, max_size=6))
@settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_rule_matches_the_same_with_and_without_pre_filter(
    write: Any, rule_yaml: Any, batch_of: Any, guards: list[str], last: str, rows: list[dict[str, Any]]
) -> None:
    python = f"def rule(event):\n    name = event.get('k')\n{''.join(guards)}    return {last}\n"
    pack = load_pack([write({"r.yml": rule_yaml("R", "r.py"), "r.py": python})])
    batch = batch_of(rows)

    filtered, unfiltered = Engine(pack).detect(batch), Engine(pack, prefilter=False).detect(batch)

    assert summary(filtered) == summary(unfiltered)


@pytest.mark.parametrize("rule_id", [rule.rule_id for rule in PACK.rules if rule.enabled])
def test_built_in_rule_matches_the_same_with_and_without_pre_filter(rule_id: str) -> None:
    for filtered, unfiltered in prefilter.compared(PACK, AGAIN, rule_id):
        assert filtered == unfiltered
