"""Folders of detections → a Pack: every file checked, every module imported, every mistake reported in one go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from headwater.detect import functions, together, yaml_rule
from headwater.detect.cache import Cache, MemoryCache
from headwater.detect.conditions import Condition, all_of
from headwater.detect.datamodel import DataModel, FieldPath, compile_path
from headwater.detect.functions import Subject
from headwater.detect.modules import Namespace
from headwater.detect.scheduled import sources_of
from headwater.detect.spec import TEMPLATES, Spec, is_placeholder, read_folder, yaml_files
from headwater.errors import DetectionError, Problem

MATCHERS = {"rule": "rule", "scheduled_rule": "rule", "policy": "policy"}  # kinds that have Python of their own
DEDUP_MIN_DEFAULT = 60
DEDUP_MIN_LEAST = 5
CONTENT = Path(__file__).parent.parent / "content"


@dataclass(frozen=True, slots=True)
class UnitTest:
    """One entry of Tests. expected: what the matcher must return. mocks: attribute of the module → its return value."""

    name: str
    expected: bool
    event: Mapping[str, Any]
    destinations: tuple[str, ...] | None
    mocks: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Detection:
    """One rule, scheduled rule or policy with its module.

    folder: number of the folder whose helpers and data models it sees. source: its Python, for the pre-filter; None
    where it is written in YAML. condition: what its YAML alone says of the rows on which it can match.
    """

    spec: Spec
    folder: int
    subject: Subject
    enabled: bool
    display_name: str
    log_types: tuple[str, ...]
    window_min: int
    threshold: int
    create_alert: bool
    tags: tuple[str, ...]
    reports: Mapping[str, Any]
    description: str
    runbook: str
    reference: str
    destinations: tuple[str, ...] | None
    tests: tuple[UnitTest, ...]
    source: bytes | None
    condition: Condition

    @property
    def rule_id(self) -> str:
        """The detection's id."""
        return self.subject.id

    @property
    def severity(self) -> str:
        """The static severity, in upper case."""
        return self.subject.severity

    @property
    def kind(self) -> str:
        """The AnalysisType."""
        return self.spec.kind


@dataclass(frozen=True, slots=True)
class Pack:
    """Everything loaded. specs: all files, also of kinds without Python. models: per folder, log type → data model."""

    specs: tuple[Spec, ...]
    detections: tuple[Detection, ...]
    models: tuple[Mapping[str, DataModel], ...]
    warnings: tuple[Problem, ...] = ()

    @property
    def rules(self) -> tuple[Detection, ...]:
        """The rules that run on log rows and on those of scheduled queries, the disabled ones too."""
        return tuple(one for one in self.detections if one.kind in ("rule", "scheduled_rule"))

    def data_model(self, folder: int, log_type: str) -> DataModel | None:
        """The model that detections of a folder see: its own, else that of the first folder with one."""
        found = (models[log_type] for models in (self.models[folder], *self.models) if log_type in models)
        return next(found, None)


def builtin_path() -> Path:
    """The folder of the detections that come with Headwater."""
    return CONTENT


def load_pack(paths: Sequence[Path], cache: Cache | None = None) -> Pack:
    """All detections of some folders; helpers are visible within their own folder only.

    cache: what detections remember events in; None: memory that all these folders share.
    A detection whose Python does not import is loaded with its setup error, which every run reports.
    Raises: DetectionError with every mistake in the files.
    """
    specs: list[Spec] = []
    problems: list[Problem] = []
    roots = list(dict.fromkeys(path.resolve() for path in paths))
    for folder, root in enumerate(roots):
        found, wrong = read_folder(root, folder)
        specs += found
        problems += wrong
    problems += together.problems(specs)
    if problems:
        raise DetectionError(problems)
    return _build(specs, roots, cache or MemoryCache())


def _build(specs: Sequence[Spec], roots: Sequence[Path], cache: Cache) -> Pack:
    namespaces = [_namespace(specs, folder, root, cache) for folder, root in enumerate(roots)]
    models: list[Mapping[str, DataModel]] = []
    problems: list[Problem] = []
    for folder, namespace in enumerate(namespaces):
        found, wrong = _models([spec for spec in specs if spec.folder == folder], namespace)
        models.append(found)
        problems += wrong
    if problems:
        raise DetectionError(problems)
    detections = tuple(_detections(specs, namespaces))
    warnings = [problem for spec in specs for problem in _warnings(spec)]
    warnings += [problem for root in roots for problem in _placeholders(root)]
    return Pack(tuple(specs), detections, tuple(models), tuple(warnings))


def _namespace(specs: Sequence[Spec], folder: int, root: Path, cache: Cache) -> Namespace:
    mine = [spec for spec in specs if spec.folder == folder and spec.kind == "global"]
    return Namespace(root, {spec.id: spec.python for spec in mine if spec.python}, cache)


def _detections(specs: Sequence[Spec], namespaces: Sequence[Namespace]) -> Iterator[Detection]:
    for spec in specs:
        if spec.kind not in MATCHERS:
            continue
        base = together.base_of(spec, specs) if "BaseDetection" in spec.data else None
        if base is None:
            yield _detection(spec, spec.folder, spec.data, _code(spec, spec.data, spec.python, namespaces[spec.folder]))
            continue
        stated = {key: value for key, value in spec.data.items() if value or (key != "Tests" and value is not None)}
        data = {**base.data, **stated}
        yield _detection(spec, base.folder, data, _code(spec, data, base.python, namespaces[base.folder]))


@dataclass(frozen=True, slots=True)
class _Code:
    """What a detection runs: its module, or what kept it from loading."""

    module: ModuleType | None
    error: BaseException | None
    source: bytes | None = None
    condition: Condition = True


def _code(spec: Spec, data: Mapping[str, Any], python: Path | None, namespace: Namespace) -> _Code:
    matcher = MATCHERS[spec.kind]
    if python is None:
        expression = yaml_rule.detection(data)
        module = yaml_rule.make_module(spec.id, matcher, expression.test, data)
        return _Code(module, None, None, expression.condition)
    source = python.read_bytes()
    made, error = _import(namespace, spec, python, source)
    return _Code(made, functions.setup_error(made, matcher) if made is not None else error, source)


def _detection(spec: Spec, folder: int, data: Mapping[str, Any], code: _Code) -> Detection:
    matcher = MATCHERS[spec.kind]
    inline = yaml_rule.inline_filter(data)
    return Detection(
        spec=spec,
        folder=folder,
        subject=Subject(
            spec.id, data["Severity"].upper(), code.module, code.error, matcher, inline.test if inline else None
        ),
        enabled=data["Enabled"],
        display_name=data.get("DisplayName") or "",
        log_types=sources_of(data),
        window_min=_window_min(data),
        threshold=data.get("Threshold") or 1,
        create_alert=data.get("CreateAlert", True) is not False,
        tags=tuple(data.get("Tags") or ()),
        reports=data.get("Reports") or {},
        description=(data.get("Description") or "").strip(),
        runbook=(data.get("Runbook") or "").strip(),
        reference=(data.get("Reference") or "").strip(),
        destinations=tuple(data["OutputIds"]) if data.get("OutputIds") else None,
        tests=tuple(_unit_test(test, matcher) for test in data.get("Tests") or ()),
        source=code.source,
        condition=all_of(code.condition, inline.condition if inline else True),
    )


def _import(
    namespace: Namespace, spec: Spec, python: Path, source: bytes
) -> tuple[ModuleType | None, BaseException | None]:
    return functions.attempt(lambda: namespace.run(spec.id, str(python), source))


def _window_min(data: Mapping[str, Any]) -> int:
    minutes = data.get("DedupPeriodMinutes") or DEDUP_MIN_DEFAULT
    return max(int(minutes), DEDUP_MIN_LEAST)


def _unit_test(test: Mapping[str, Any], matcher: str) -> UnitTest:
    destinations = test.get("ExpectedDestinations")
    return UnitTest(
        name=str(test["Name"]),
        expected=test["ExpectedResult"],
        event=test["Resource" if matcher == "policy" else "Log"],
        destinations=None if destinations is None else tuple(destinations),
        mocks=tuple((str(mock["objectName"]), mock.get("returnValue")) for mock in test.get("Mocks") or ()),
    )


def _models(specs: Sequence[Spec], namespace: Namespace) -> tuple[dict[str, DataModel], list[Problem]]:
    found: dict[str, DataModel] = {}
    problems: list[Problem] = []
    for spec in specs:
        if spec.kind == "datamodel" and spec.data["Enabled"]:
            model, wrong = _model(spec, namespace)
            found.update(dict.fromkeys(model.log_types, model))
            problems += wrong
    return found, problems


def _model(spec: Spec, namespace: Namespace) -> tuple[DataModel, list[Problem]]:
    module, error = _import(namespace, spec, spec.python, spec.python.read_bytes()) if spec.python else (None, None)
    problems = [spec.problem(("Filename",), f"does not import: {functions.shown(error)}")] if error else []
    paths: dict[str, FieldPath] = {}
    methods: dict[str, Any] = {}
    for index, mapping in enumerate(spec.data["Mappings"]):
        if "Path" in mapping:
            paths[mapping["Name"]] = compile_path(str(mapping["Path"]))
            continue
        methods[mapping["Name"]] = getattr(module, str(mapping["Method"]), None)
        if module is not None and not callable(methods[mapping["Name"]]):
            message = f"{mapping['Method']!r} is no function of the module"
            problems.append(spec.problem(("Mappings", index, "Method"), message))
    return DataModel(spec.id, tuple(spec.data["LogTypes"]), paths, methods), problems


def _warnings(spec: Spec) -> Iterator[Problem]:
    minutes = spec.data.get("DedupPeriodMinutes", DEDUP_MIN_DEFAULT)
    if minutes == 0:
        yield spec.problem(("DedupPeriodMinutes",), f"0 is ignored; {DEDUP_MIN_DEFAULT} holds")
    elif minutes is not None and minutes < DEDUP_MIN_LEAST:
        yield spec.problem(("DedupPeriodMinutes",), f"{minutes} is treated as {DEDUP_MIN_LEAST}")
    definition = spec.data.get("PackDefinition")
    ids = definition.get("IDs") or () if isinstance(definition, dict) else ()
    for index, name in enumerate(ids):
        if name in ids[:index]:
            yield spec.problem(("PackDefinition", "IDs", index), f"{name!r} stands twice; once is enough")


def _placeholders(root: Path) -> Iterator[Problem]:
    count = sum(1 for file in yaml_files(root) if is_placeholder(file, root))
    if count:
        yield Problem(str(root / TEMPLATES), None, "", f"{count} placeholder files are left out")
