"""What detections remember, through the module they import."""

from pathlib import Path
from types import ModuleType

import pytest

from headwater.detect.cache import DEFAULT_LIFE_S, MemoryCache
from headwater.detect.caching import make_modules
from headwater.detect.load import load_pack
from headwater.detect.modules import Namespace

NOW = 1_800_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def caching(clock: Clock) -> ModuleType:
    return make_modules(MemoryCache(clock), clock)["panther_detection_helpers.caching"]


def test_string_sets_are_put_added_to_and_removed_from(caching: ModuleType) -> None:
    caching.put_string_set("k", ["a", "b"])

    assert caching.add_to_string_set("k", "c") == {"a", "b", "c"}
    assert caching.add_to_string_set("k", ["c", "d"]) == {"a", "b", "c", "d"}
    assert caching.remove_from_string_set("k", ["a", "x"]) == {"b", "c", "d"}
    assert caching.get_string_set("k", force_ttl_check=True) == {"b", "c", "d"}


def test_an_empty_string_set_removes_the_strings(caching: ModuleType) -> None:
    caching.put_string_set("k", ["a"])

    caching.put_string_set("k", [])

    assert caching.get_string_set("k") == set()


def test_a_changed_result_does_not_change_what_is_kept(caching: ModuleType) -> None:
    caching.put_string_set("k", ["a"])

    caching.get_string_set("k").add("b")

    assert caching.get_string_set("k") == {"a"}


def test_counters_count_and_start_again(caching: ModuleType) -> None:
    assert caching.get_counter("k") == 0
    assert [caching.increment_counter("k"), caching.increment_counter("k", 5)] == [1, 6]

    caching.reset_counter("k")

    assert caching.get_counter("k") == 0


def test_dictionaries_come_back_as_json_and_absent_ones_empty(caching: ModuleType) -> None:
    caching.put_dictionary("k", {"city": "Ulm", "at": [1, 2]})

    assert caching.get_dictionary("k") == {"city": "Ulm", "at": [1, 2]}
    assert caching.get_dictionary("other") == {}


@pytest.mark.parametrize(
    ("given", "lives_s"),
    [
        pytest.param(None, DEFAULT_LIFE_S, id="default"),
        pytest.param(604_800, 604_800, id="a-week-from-now"),
        pytest.param("60", 60, id="text"),
        pytest.param(NOW + 700_000, 700_000, id="absolute"),
    ],
)
def test_strings_live_until_their_expiry(caching: ModuleType, clock: Clock, given: object, lives_s: float) -> None:
    caching.put_string_set("k", ["a"], given)
    clock.now += lives_s - 1
    assert caching.get_string_set("k") == {"a"}

    clock.now += 1

    assert caching.get_string_set("k") == set()


def test_an_expired_counter_starts_from_nothing(caching: ModuleType, clock: Clock) -> None:
    caching.increment_counter("k", 7, epoch_seconds=60)
    clock.now += 61

    assert caching.increment_counter("k") == 1


def test_counting_keeps_the_end_of_the_first_step(caching: ModuleType, clock: Clock) -> None:
    caching.increment_counter("k")
    caching.set_key_expiration("k", 60)
    clock.now += 30
    caching.increment_counter("k")
    clock.now += 30

    assert caching.get_counter("k") == 0


def test_a_threshold_is_reached_once_and_counting_begins_anew(caching: ModuleType) -> None:
    assert [caching.evaluate_threshold("k", threshold=3) for _ in range(7)] == [0, 0, 1, 0, 0, 1, 0]


def test_a_threshold_forgets_hits_older_than_its_time(caching: ModuleType, clock: Clock) -> None:
    caching.evaluate_threshold("k", threshold=2, expiry_seconds=60)
    clock.now += 60

    assert caching.evaluate_threshold("k", threshold=2, expiry_seconds=60) is False


@pytest.mark.parametrize(
    ("key", "known"),
    [
        pytest.param("k", True, id="live"),
        pytest.param("other", False, id="absent"),
        pytest.param("", False, id="empty"),
        pytest.param(None, False, id="none"),
        pytest.param(["k"], False, id="list"),
    ],
)
def test_account_age_is_checked_for_texts_alone(caching: ModuleType, key: object, known: bool) -> None:
    caching.put_string_set("k", ["a"])

    assert caching.check_account_age(key) is known


def test_keys_and_strings_must_be_text(caching: ModuleType) -> None:
    with pytest.raises(TypeError, match="cache key is text, not int"):
        caching.get_counter(1)
    with pytest.raises(TypeError, match="holds texts, not int"):
        caching.put_string_set("k", ["a", 1])


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("from panther_detection_helpers.caching import get_counter as count", id="from-module"),
        pytest.param("from panther_detection_helpers import caching\ncount = caching.get_counter", id="from-package"),
        pytest.param(
            "import panther_detection_helpers.caching\ncount = panther_detection_helpers.caching.get_counter",
            id="import",
        ),
    ],
)
def test_detections_import_the_module_and_nobody_else_sees_it(body: str) -> None:
    cache = MemoryCache()
    make_modules(cache)["panther_detection_helpers.caching"].increment_counter("k", 3)

    module = Namespace(Path("none"), {}, cache).run("R", "r.py", body.encode())

    assert module.count("k") == 3
    with pytest.raises(ImportError):
        __import__("panther_detection_helpers")


def test_a_rule_remembers_between_events(tmp_path: Path) -> None:
    (tmp_path / "r.py").write_text(
        "from panther_detection_helpers.caching import increment_counter\n"
        "def rule(event):\n    return increment_counter('seen') > 1\n"
    )
    (tmp_path / "r.yml").write_text(
        "AnalysisType: rule\nRuleID: R\nEnabled: true\nSeverity: Low\nFilename: r.py\nLogTypes: [AWS.CloudTrail]\n"
    )

    (rule,) = load_pack([tmp_path], MemoryCache()).rules

    assert rule.subject.module is not None
    assert [rule.subject.module.rule({}) for _ in range(2)] == [False, True]
