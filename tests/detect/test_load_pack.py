"""Loading folders of detections: what is found, what is refused, and where the error points."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headwater.detect.load import Pack, load_pack
from headwater.errors import DetectionError

FIRES = "def rule(event):\n    return True\n"
GLOBAL = "AnalysisType: global\nGlobalID: helper\nFilename: helper.py\n"
MODEL = (
    "AnalysisType: datamodel\nDataModelID: {id}\nEnabled: true\nLogTypes: [T]\nMappings: [{{Name: user, Path: who}}]\n"
)
MAPPINGS = "[{Name: user, Path: who}]"
QUERY = "AnalysisType: scheduled_query\nQueryName: q\nEnabled: true\nAthenaQuery: select 1\n"
LOOKUP = "AnalysisType: lookup_table\nLookupName: l\nEnabled: true\n"
CORRELATION = "AnalysisType: correlation_rule\nRuleID: c\nEnabled: true\nSeverity: Low\n"


def problems_of(folder: Path) -> list[str]:
    with pytest.raises(DetectionError) as caught:
        load_pack([folder])
    return [str(problem).replace(f"{folder}/", "") for problem in caught.value.problems]


def test_rule_fields_and_their_defaults(pack_of: Callable[..., Pack]) -> None:
    (rule,) = pack_of(FIRES).rules

    assert (rule.rule_id, rule.severity, rule.log_types, rule.enabled) == ("T.Rule", "MEDIUM", ("T",), True)
    assert (rule.window_min, rule.threshold, rule.create_alert) == (60, 1, True)
    assert (rule.destinations, rule.tags, rule.tests) == (None, (), ())


@pytest.mark.parametrize(
    ("minutes", "window_min", "warning"),
    [(0, 60, "0 is ignored"), (3, 5, "3 is treated as 5"), (15, 15, None)],
)
def test_short_dedup_periods_are_lengthened_with_a_warning(
    pack_of: Callable[..., Pack], minutes: int, window_min: int, warning: str | None
) -> None:
    pack = pack_of(FIRES, f"DedupPeriodMinutes: {minutes}\n")

    assert pack.rules[0].window_min == window_min
    assert [warning in problem.message for problem in pack.warnings if warning] == ([True] if warning else [])


def test_yaml_scalars_are_those_of_1_2(pack_of: Callable[..., Pack]) -> None:
    log = "Tests: [{Name: n, ExpectedResult: true, Log: {a: yes, b: on, c: 2024-01-01, d: 010, e: 1:30, f: true}}]\n"

    (test,) = pack_of(FIRES, log).rules[0].tests

    assert test.event == {"a": "yes", "b": "on", "c": "2024-01-01", "d": 10, "e": "1:30", "f": True}


def test_hidden_files_caches_and_other_yaml_are_left_alone(write: Any, rule_yaml: Any) -> None:
    broken = "AnalysisType: rule\nnonsense: 1\n"
    others = {".hidden.yml": broken, ".git/x.yml": broken, "__pycache__/x.yml": broken, "ci.yaml": "on: [push]\n"}

    pack = load_pack([write({**others, "deep/er/r.yml": rule_yaml("A", "r.py"), "deep/er/r.py": FIRES})])

    assert [rule.rule_id for rule in pack.rules] == ["A"]


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ("Bogus: 1\n", "rule.yml:7:Bogus: a rule has no key 'Bogus'"),
        ("Tags: [a, A]\n", "rule.yml:7:Tags.1: 'A' stands twice"),
        ("OutputIds: [a, a]\n", "rule.yml:7:OutputIds.1: 'a' stands twice"),
        ("SummaryAttributes: [a, a]\n", "rule.yml:7:SummaryAttributes.1: 'a' stands twice"),
        ("Severty: Low\n", "rule.yml:7:Severty: a rule has no key 'Severty'; did you mean Severity?"),
        ("Reports: {MITRE: x}\n", "rule.yml:7:Reports: must be a mapping of framework to list, is {'MITRE': 'x'}"),
        ("Threshold: 0\n", "rule.yml:7:Threshold: must be 1 or more"),
        ("Threshold: many\n", "rule.yml:7:Threshold: must be a whole number, is 'many'"),
        ("CreateAlert: yes\n", "rule.yml:7:CreateAlert: must be true or false, is 'yes'"),
        ('DisplayName: "a<b"\n', "rule.yml:7:DisplayName: must be text without < > & \" %, is 'a<b'"),
        ("Detection: []\n", "rule.yml:7:Detection: exactly one of Filename, Detection must stand here, 2 do"),
        (
            "ScheduledQueries: [q]\n",
            "rule.yml:7:ScheduledQueries: exactly one of LogTypes, ScheduledQueries must stand here, 2 do",
        ),
        ("Tests: [{Name: n, ExpectedResult: true}]\n", "rule.yml:7:Tests.0: Log is missing"),
        (
            "Tests:\n  - {Name: n, ExpectedResult: maybe, Log: {}}\n",
            "rule.yml:8:Tests.0.ExpectedResult: must be true or false",
        ),
        (
            "Tests: [{Name: n, ExpectedResult: true, Log: {}, Mocks: [{a: b}]}]\n",
            "rule.yml:7:Tests.0.Mocks: must be a list of {objectName, returnValue}",
        ),
    ],
)
def test_wrong_key_is_refused_with_file_line_key_and_reason(
    write: Any, rule_yaml: Any, more: str, problem: str
) -> None:
    folder = write({"rule.yml": rule_yaml("A", "r.py", more), "r.py": FIRES})

    assert problems_of(folder) == [problem]


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ("AnalysisType: rule\n", "RuleID is missing"),
        ("AnalysisType: nonsense\n", "'nonsense' is none of rule, scheduled_rule"),
        ("AnalysisType: policy\nPolicyID: P\nEnabled: true\nSeverity: Low\n", "Filename is missing"),
        ("AnalysisType: global\nGlobalID: g\nFilename: none.py\n", "'none.py' is no file inside"),
        ("AnalysisType: global\nGlobalID: g\nFilename: ../../outside.py\n", "'../../outside.py' is no file inside"),
        ("AnalysisType: pack\nPackID: p\nPackDefinition: {IDs: [absent]}\n", "no detection has the id 'absent'"),
        ("AnalysisType: saved_query\nQueryName: q\n", "exactly one of Query, SnowflakeQuery"),
        (QUERY + "Schedule: {RateMinutes: 5}\n", "TimeoutMinutes is missing"),
        (QUERY + "Schedule: {TimeoutMinutes: 2}\n", "exactly one of CronExpression, RateMinutes must stand here, 0 do"),
        (
            QUERY + "Schedule: {CronExpression: 0 0 * * *, RateMinutes: 5, TimeoutMinutes: 2}\n",
            "exactly one of CronExpression, RateMinutes must stand here, 2 do",
        ),
        (QUERY + "Schedule: {CronExpression: daily, TimeoutMinutes: 2}\n", "5:Schedule.CronExpression: must be five"),
        (QUERY + "Schedule: {RateMinutes: 0, TimeoutMinutes: 2}\n", "Schedule.RateMinutes: must be a whole number"),
        (QUERY + "Schedule: {RateMinute: 5, TimeoutMinutes: 2}\n", "did you mean RateMinutes?"),
        (QUERY + "Query: select 2\nSchedule: {RateMinutes: 5, TimeoutMinutes: 2}\n", "AthenaQuery, DatabricksQuery"),
        ("AnalysisType: saved_query\nQueryName: q\nQuery: q\nSchedule: {}\n", "a saved_query has no key 'Schedule'"),
        (LOOKUP + "LogTypeMap: {}\nQuery: q\n", "PrimaryKey is missing"),
        (LOOKUP + "LogTypeMap: {PrimaryKey: k}\nQuery: q\n", "5:Query: needs Refresh"),
        (LOOKUP + "LogTypeMap: {PrimaryKey: k}\nFilename: one.yml\n", "Schema is missing"),
        (LOOKUP + "LogTypeMap: {PrimaryKey: k}\nSchema: S\n", "exactly one of Filename, Refresh must stand here"),
        (
            LOOKUP + "LogTypeMap: {PrimaryKey: k}\nSchema: S\nRefresh: {ObjectPath: /tmp/x}\n",
            "6:Refresh.ObjectPath: must be the s3:// address",
        ),
        (
            LOOKUP
            + "LogTypeMap: {PrimaryKey: k}\nSchema: S\nRefresh: {ObjectPath: 's3://b/k', AlarmPeriodMinutes: 1441}\n",
            "Refresh.AlarmPeriodMinutes: must be 1440 or less",
        ),
        (
            LOOKUP + "LogTypeMap: {PrimaryKey: k}\nSchema: S\nRefresh: {ObjectPath: 's3://b/k', PeriodMinute: 1}\n",
            "did you mean PeriodMinutes?",
        ),
        (
            LOOKUP + "LogTypeMap: {PrimaryKey: k, AssociatedLogTypes: [{LogType: T}]}\nSchema: S\nFilename: one.yml\n",
            "LogTypeMap.AssociatedLogTypes.0.Selectors: must be a list of field names",
        ),
        (
            LOOKUP + "LogTypeMap: {PrimaryKey: k, AssociatedLogTypes: [T]}\nSchema: S\nFilename: one.yml\n",
            "LogTypeMap.AssociatedLogTypes.0: must be {LogType, Selectors}",
        ),
        (CORRELATION, "Detection is missing"),
        (CORRELATION + "Detection: []\nThreshold: 2\n", "a correlation_rule has no key 'Threshold'"),
        (
            CORRELATION
            + "Detection: [{Group: [{ID: A, RuleID: r}]}]\nTests: [{Name: n, ExpectedResult: true, Log: {}}]\n",
            "Tests.0: RuleOutputs is missing",
        ),
        (CORRELATION + "Detection: []\nLogTypes: [T]\n", "a correlation_rule has no key 'LogTypes'"),
        (MODEL.format(id="d").replace(MAPPINGS, "[{Name: n}]"), "exactly one of Path, Method"),
        (MODEL.format(id="d").replace(MAPPINGS, "[{Name: n, Method: m}]"), "needs a Filename"),
        (MODEL.format(id="d").replace(MAPPINGS, "[{Name: n, Path: 'a['}]"), "no path like"),
        (MODEL.format(id="d").replace(MAPPINGS, "[{Name: n, Path: a}, {Name: n, Path: b}]"), "'n' stands twice"),
        ("AnalysisType: rule\nRuleID: r\nBaseDetection: r\nLogTypes: [T]\n", "4:LogTypes: a rule with BaseDetection"),
        ("AnalysisType: scheduled_rule\nRuleID: r\nBaseDetection: r\n", "has no key 'BaseDetection'"),
        ("AnalysisType: rule\nRuleID: r\nSevrity: Low\n", "a rule has no key 'Sevrity'; did you mean Severity?"),
        ("AnalysisType: rule\nRuleID: r\nBaseDetection: absent\n", "of its own has the id 'absent'"),
        ("AnalysisType: [rule\n", "not YAML"),
    ],
)
def test_wrong_document_of_any_kind_is_refused(write: Any, document: str, problem: str) -> None:
    assert problem in "\n".join(problems_of(write({"one.yml": document})))


def test_every_mistake_of_a_run_is_reported_at_once(write: Any, rule_yaml: Any) -> None:
    files = {"a.yml": rule_yaml("A", "a.py", "Bogus: 1\n"), "b.yml": rule_yaml("B", "none.py"), "a.py": FIRES}

    assert len(problems_of(write({**files, "c.yml": "AnalysisType: rule\nRuleID: A\n"}))) >= 4


@pytest.mark.parametrize(
    "other", [GLOBAL.replace("helper\n", "A\n"), "AnalysisType: pack\nPackID: A\nPackDefinition: {IDs: []}\n"]
)
def test_ids_are_unique_across_kinds(write: Any, rule_yaml: Any, other: str) -> None:
    folder = write({"a.yml": rule_yaml("A", "r.py"), "b.yml": other, "r.py": FIRES, "helper.py": ""})

    assert "'A' is also the id in" in problems_of(folder)[0]


def test_one_enabled_data_model_a_log_type(write: Any) -> None:
    folder = write({"a.yml": MODEL.format(id="A"), "b.yml": MODEL.format(id="B")})

    assert "T already has the enabled data model 'A'" in problems_of(folder)[0]


def test_data_model_method_must_be_in_its_module(write: Any) -> None:
    text = MODEL.format(id="A").replace("Path: who", "Method: who") + "Filename: m.py\n"

    assert "'who' is no function of the module" in problems_of(write({"a.yml": text, "m.py": ""}))[0]
    assert "does not import: ZeroDivisionError" in problems_of(write({"a.yml": text, "m.py": "1 / 0"}))[0]


@pytest.mark.parametrize(
    "document",
    [
        QUERY + "Schedule: {CronExpression: '* * * * *', TimeoutMinutes: 2}\n",
        "AnalysisType: saved_query\nQueryName: q\nQuery: select 1\n",
        LOOKUP + "LogTypeMap: {PrimaryKey: k}\nSchema: Custom.L\nFilename: l.csv\n",
        CORRELATION + "Detection: [{Group: [{ID: A, RuleID: r}]}]\n",
    ],
)
def test_kinds_that_do_not_run_are_kept(write: Any, document: str) -> None:
    pack = load_pack([write({"one.yml": document, "l.csv": "k\n"})])

    assert len(pack.specs) == 1
    assert pack.detections == ()


def test_derived_rule_inherits_python_tests_and_keys(write: Any, rule_yaml: Any) -> None:
    tests = "Tests: [{Name: n, ExpectedResult: true, Log: {}}]\n"
    derived = "AnalysisType: rule\nRuleID: B\nBaseDetection: A\nSeverity: Critical\nThreshold: 5\n"

    pack = load_pack([write({"a.yml": rule_yaml("A", "r.py", tests), "b.yml": derived, "r.py": FIRES})])

    base, rule = pack.rules
    assert (rule.rule_id, rule.severity, rule.threshold, rule.log_types) == ("B", "CRITICAL", 5, ("T",))
    assert [test.name for test in rule.tests] == ["n"]
    assert rule.subject.module is not base.subject.module


def test_rule_derived_from_one_of_another_folder_runs_with_the_helpers_of_that_folder(
    write: Any, rule_yaml: Any
) -> None:
    python = "import helper\ndef rule(event):\n    return helper.NAME == event['name']\n"
    one = {"one/a.yml": rule_yaml("A", "r.py"), "one/r.py": python, "one/h.yml": GLOBAL, "one/helper.py": "NAME = 1\n"}
    two = {"two/b.yml": "AnalysisType: rule\nRuleID: B\nBaseDetection: A\n"}
    folder = write({**one, **two})

    base, rule = load_pack([folder / "one", folder / "two"]).rules

    assert (base.subject.setup_error, rule.subject.setup_error) == (None, None)
    assert (rule.spec.folder, rule.folder) == (1, 0)
    assert vars(rule.subject.module)["rule"]({"name": 1}) is True


def test_rule_is_not_derived_from_a_derived_one(write: Any, rule_yaml: Any) -> None:
    derived = "AnalysisType: rule\nRuleID: {}\nBaseDetection: {}\n"
    files = {"a.yml": rule_yaml("A", "r.py"), "r.py": FIRES}

    found = problems_of(write({**files, "b.yml": derived.format("B", "A"), "c.yml": derived.format("C", "B")}))

    assert found == ["c.yml:3:BaseDetection: no rule with a Filename or a Detection of its own has the id 'B'"]


def test_id_that_stands_twice_in_a_pack_is_only_a_warning(write: Any, rule_yaml: Any) -> None:
    definition = "AnalysisType: pack\nPackID: P\nPackDefinition:\n  IDs:\n    - A\n    - A\n"

    pack = load_pack([write({"a.yml": rule_yaml("A", "r.py"), "r.py": FIRES, "p.yml": definition})])

    (warning,) = pack.warnings
    assert (warning.line, warning.key, warning.message) == (
        6,
        "PackDefinition.IDs.1",
        "'A' stands twice; once is enough",
    )


def test_helpers_import_each_other_even_in_a_circle_and_late(write: Any, rule_yaml: Any) -> None:
    files = {
        "r.yml": rule_yaml("A", "r.py"),
        "r.py": "import helper\ndef rule(event):\n    from other import value\n    return value() == helper.WANTED\n",
        "h.yml": GLOBAL,
        "helper.py": "import other\nWANTED = 7\n",
        "o.yml": GLOBAL.replace("helper", "other"),
        "other.py": "import helper\ndef value():\n    return helper.WANTED\n",
    }

    (rule,) = load_pack([write(files)]).rules

    assert rule.subject.setup_error is None
    assert vars(rule.subject.module)["rule"]({}) is True


def test_two_folders_keep_helpers_of_the_same_name_apart(write: Any, rule_yaml: Any) -> None:
    files: dict[str, str] = {}
    for name in ("one", "two"):
        files |= {f"{name}/r.yml": rule_yaml(name, "r.py"), f"{name}/h.yml": GLOBAL}
        files |= {f"{name}/helper.py": f"NAME = '{name}'\n"}
        files |= {f"{name}/r.py": "def rule(event):\n    import helper\n    return helper.NAME\n"}
    folder = write(files)
    pack = load_pack([folder / "one", folder / "two"])
    seen: dict[str, str] = {}

    def call(rule: Any) -> None:
        seen[rule.rule_id] = rule.subject.module.rule({})

    threads = [threading.Thread(target=call, args=(rule,)) for rule in pack.rules]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == {"one": "one", "two": "two"}


def test_two_folders_may_not_share_a_rule_id(write: Any, rule_yaml: Any) -> None:
    folder = write(
        {
            f"{name}/{file}": text
            for name in ("one", "two")
            for file, text in (("r.yml", rule_yaml("A", "r.py")), ("r.py", FIRES))
        }
    )

    with pytest.raises(DetectionError, match="'A' is also the id in"):
        load_pack([folder / "one", folder / "two"])


def test_event_types_are_importable_by_detections_alone(pack_of: Callable[..., Pack]) -> None:
    (rule,) = pack_of(
        """
        import panther_core.immutable
        from panther_core import PantherEvent, enriched_event
        from panther_core.enriched_event import PantherEvent as Same
        def rule(event):
            kinds = (panther_core.immutable.ImmutableList, enriched_event.PantherEvent)
            return PantherEvent is Same and isinstance(event, kinds)
        """
    ).rules

    from headwater.detect.event import PantherEvent  # noqa: PLC0415 — after the load, to show that both are one type

    assert vars(rule.subject.module)["rule"](PantherEvent({})) is True
    assert not {"panther_core", "helper"} & sys.modules.keys()
    with pytest.raises(ModuleNotFoundError):
        __import__("panther_core")


def test_rule_may_use_dataclasses_with_text_annotations(pack_of: Callable[..., Pack]) -> None:
    (rule,) = pack_of(
        """
        from __future__ import annotations
        from dataclasses import dataclass
        @dataclass
        class Seen:
            count: int = 0
        def rule(event):
            return Seen().count == 0
        """
    ).rules

    assert rule.subject.setup_error is None


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DetectionError, match="is no folder of detections"):
        load_pack([tmp_path / "absent"])
