"""The index of sources finds what a search through all of them finds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headwater.accounts.model import Account, Accounts, Central, SourceConfig

CENTRAL = Central("999988887777", "us-east-1", "aws", None, "lake", "role", "queue", "bus", "deploy")
TEXT = st.text(alphabet="ab/\U0001f600", max_size=5)


def accounts(prefixes: list[str]) -> Accounts:
    configs = [SourceConfig(f"s{n}", "bucket", prefix, "us-east-1", "none") for n, prefix in enumerate(prefixes)]
    account = Account("111122223333", "a", "role", "reader", "/", "deploy", tuple(configs))
    return Accounts.of(CENTRAL, [account])


def disjoint(prefixes: set[str]) -> list[str]:
    return [one for one in sorted(prefixes) if not any(one != two and one.startswith(two) for two in prefixes)]


@given(st.sets(TEXT, max_size=12), st.lists(TEXT, max_size=20))
def test_index_agrees_with_a_search(prefixes: set[str], keys: list[str]) -> None:
    chosen = disjoint(prefixes)
    indexed = accounts(chosen)

    for key in keys:
        found = indexed.source_for("bucket", key)
        assert (found.prefix if found else None) == next((each for each in chosen if key.startswith(each)), None)
