"""The p_any_ columns: every IP address, ARN, account … of a row, found by column and never by row.

Each column is dictionary-encoded first, so that a text is looked at once however often it occurs; what it yields is
spread over its rows inside Arrow.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from headwater.schema.logtype import INDICATOR_COLUMNS, Field

ACCOUNT = re.compile(r"[0-9]{12}\Z")
INSTANCE = re.compile(r"i-(?:[0-9a-f]{8}|[0-9a-f]{17})\Z")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+\Z")
DOMAIN = re.compile(
    r"(?=.{4,254}\Z)(?:[a-z0-9_*](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])\.?\Z"
)
PRINCIPAL = re.compile(r"A[A-Z0-9]{15,}\Z")  # unique ids of IAM: AROA…, AIDA…

Found = tuple[str, str]  # p_any_ column, value
Extract = Callable[[str], Iterable[Found]]


def indicators(fields: Sequence[Field], arrays: Mapping[str, pa.Array], rows: int) -> dict[str, pa.Array]:
    """The p_any_ columns of N rows: sorted distinct values, null where there is none."""
    sink = _Sink(rows)
    for field in fields:
        array = arrays.get(field.name)
        if array is None or array.null_count == len(array):
            continue
        if field.is_json:
            _from_json(sink, field, array)
        elif field.indicators and pa.types.is_list(array.type):
            lists = array.flatten().cast(pa.string())
            _from_texts(sink, field.indicators, lists, pc.list_parent_indices(array))
        elif field.indicators:
            _from_texts(sink, field.indicators, array.cast(pa.string()), None)
    return {name: sink.column(name) for name in INDICATOR_COLUMNS}


class _Sink:
    """Collects, for each p_any_ column, pairs of row and value; values are numbered, so that pairs are integers."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.numbers: dict[str, dict[str, int]] = {name: {} for name in INDICATOR_COLUMNS}
        self.pairs: dict[str, list[tuple[pa.Array, pa.Array]]] = {name: [] for name in INDICATOR_COLUMNS}

    def add(self, found: Sequence[Iterable[Found]], at: pa.Array, rows: pa.Array | None) -> None:
        """found: what each distinct text yields. at: the text of each place (null: none). rows: the row of each."""
        lists: dict[str, list[list[int]]] = {}
        for index, pairs in enumerate(found):
            for column, value in pairs:
                if column not in lists:
                    lists[column] = [[] for _ in found]
                numbers = self.numbers[column]
                lists[column][index].append(numbers.setdefault(value, len(numbers)))
        for column, numbered in lists.items():
            spread = pa.array(numbered, pa.list_(pa.int64())).take(at)
            places = pc.list_parent_indices(spread)
            self.pairs[column].append((places if rows is None else rows.take(places), pc.list_flatten(spread)))

    def column(self, name: str) -> pa.Array:
        """The list column of one p_any_ name."""
        pairs = self.pairs[name]
        if not pairs:
            return pa.nulls(self.rows, pa.list_(pa.string()))
        values = sorted(self.numbers[name])
        ranks = {value: rank for rank, value in enumerate(values)}
        rank_of = pa.array([ranks[value] for value in self.numbers[name]], pa.int64())
        rows = pa.concat_arrays([row.cast(pa.int64()) for row, _ in pairs])
        ranked = rank_of.take(pa.concat_arrays([number for _, number in pairs]))
        return _lists(rows, ranked, pa.array(values, pa.string()), self.rows)


def _lists(rows: pa.Array, ranks: pa.Array, values: pa.Array, count: int) -> pa.Array:
    """Lists by row of the values of those ranks, each once and in order; null for a row without any."""
    keys = pc.unique(pc.add(pc.multiply(rows, len(values)), ranks))
    keys = keys.take(pc.array_sort_indices(keys))
    at = pc.divide(keys, len(values))
    runs = pc.run_end_encode(at, run_end_type=pa.int64())
    offsets = pa.concat_arrays([pa.array([0], pa.int64()), runs.run_ends]).cast(pa.int32())
    texts = values.take(pc.subtract(keys, pc.multiply(at, len(values))))
    lists = pa.ListArray.from_arrays(offsets, texts)
    return lists.take(pc.index_in(pa.array(range(count), pa.int64()), value_set=runs.values))


def _from_texts(sink: _Sink, names: Sequence[str], texts: pa.Array, rows: pa.Array | None) -> None:
    encoded = texts.dictionary_encode()
    extracts = [EXTRACTORS[name] for name in names]
    found = [[pair for extract in extracts for pair in extract(text)] for text in encoded.dictionary.to_pylist()]
    sink.add(found, encoded.indices, rows)


def _from_json(sink: _Sink, field: Field, array: pa.Array) -> None:
    """A column of JSON text: its declared parts, and every value of it where it is to be scanned."""
    paths = list(_paths(field, ()))
    if not paths and "scan" not in field.indicators:
        return
    encoded = array.dictionary_encode()
    found = [_from_document(text, paths, "scan" in field.indicators) for text in encoded.dictionary.to_pylist()]
    sink.add(found, encoded.indices, None)


def _paths(field: Field, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """(wire names, indicators) of each declared part that has indicators."""
    parts = field.fields or (field.element.fields if field.element is not None else ())
    for part in parts:
        inner = (*path, part.wire)
        if part.indicators:
            yield inner, part.indicators
        yield from _paths(part, inner)


def _from_document(text: str, paths: Sequence[tuple[tuple[str, ...], tuple[str, ...]]], scanned: bool) -> list[Found]:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:  # nested deeper than any real record
        return []
    found = [pair for path, names in paths for value in _at(document, path) for pair in _of_value(value, names)]
    if scanned:
        found.extend(_scan(document))
    return found


def _at(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    """The values at a path of names, through lists; letter case does not count where the exact name is absent."""
    if isinstance(value, list):
        for item in value:
            yield from _at(item, path)
    elif not path:
        yield value
    elif isinstance(value, dict):
        name = path[0]
        if name not in value:
            name = next((key for key in value if key.lower() == name.lower()), name)
        if name in value:
            yield from _at(value[name], path[1:])


def _of_value(value: Any, names: Sequence[str]) -> Iterator[Found]:
    if "scan" in names:
        yield from _scan(value)
    elif isinstance(value, str | int) and not isinstance(value, bool):
        for name in names:
            yield from EXTRACTORS[name](str(value))


def _scan(value: Any, key: str = "") -> Iterator[Found]:
    """Every indicator inside a JSON value, told by the names AWS uses and by texts that begin with arn:."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _tags(item) if name in TAG_KEYS and isinstance(item, list) else _scan(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _scan(item, key)
    elif isinstance(value, str) and value:
        if value.startswith("arn:"):
            yield from _arn(value)
        elif (extract := _by_key(key)) is not None:
            yield from extract(value)


TAG_KEYS = frozenset({"tags", "Tags", "tagSet", "TagSet", "tagList", "TagList"})


def _tags(items: list[Any]) -> Iterator[Found]:
    for item in items:
        yield from _scan(item)
        if isinstance(item, dict):
            key, value = (item.get("key", item.get("Key")), item.get("value", item.get("Value")))
            if isinstance(key, str) and isinstance(value, str):
                yield "p_any_aws_tags", f"{key}:{value}"


def _by_key(key: str) -> Extract | None:
    if key in SCAN_KEYS:
        return SCAN_KEYS[key]
    if key.endswith("InstanceId"):
        return _instance
    if key.endswith("AccountId"):
        return _account
    return None


def _ip(text: str) -> Iterator[Found]:
    try:
        yield "p_any_ip_addresses", str(ipaddress.ip_address(text))
    except ValueError:
        return


def _domain(text: str) -> Iterator[Found]:
    name = text.lower()
    if DOMAIN.match(name):
        yield "p_any_domain_names", name.removesuffix(".")


def _hostname(text: str) -> Iterator[Found]:
    found = list(_ip(text))
    yield from found or _domain(text)


def _url(text: str) -> Iterator[Found]:
    try:
        host = urlsplit(text if "//" in text else f"//{text}").hostname
    except ValueError:
        return
    yield from _hostname(host) if host else ()


def _arn(text: str) -> Iterator[Found]:
    """Source: IAM user guide, "IAM identifiers": arn:partition:service:region:account:resource."""
    parts = text.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn" or not parts[2]:
        return
    yield "p_any_aws_arns", text
    yield from _account(parts[4])
    resource = parts[5]
    if resource.startswith("instance/"):
        yield from _instance(resource.rpartition("/")[2])
    elif resource.startswith("assumed-role/") and resource.count("/") >= 2:
        yield from _username(resource.rpartition("/")[2])


def _arn_only(text: str) -> Iterator[Found]:
    if text.startswith("arn:"):
        yield "p_any_aws_arns", text


def _account(text: str) -> Iterator[Found]:
    if ACCOUNT.match(text):
        yield "p_any_aws_account_ids", text


def _instance(text: str) -> Iterator[Found]:
    if INSTANCE.match(text):
        yield "p_any_aws_instance_ids", text


def _tag(text: str) -> Iterator[Found]:
    if ":" in text:
        yield "p_any_aws_tags", text


def _username(text: str) -> Iterator[Found]:
    """A name; one with an @ is an e-mail address, whose local part is the name."""
    if EMAIL.match(text):
        yield "p_any_emails", text.lower()
        yield "p_any_usernames", text.partition("@")[0]
    elif text and text != HIDDEN:
        yield "p_any_usernames", text


HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"  # what CloudTrail writes for a mistyped user name at the console


def _email(text: str) -> Iterator[Found]:
    if EMAIL.match(text):
        yield from _username(text)


def _actor(text: str) -> Iterator[Found]:
    """A principal id whole, and its unique part: AROAEXAMPLE:session."""
    if not text:
        return
    yield "p_any_actor_ids", text
    unique, colon, _ = text.partition(":")
    if colon and PRINCIPAL.match(unique):
        yield "p_any_actor_ids", unique


def _digest(column: str, digits: int) -> Extract:
    pattern = re.compile(rf"[0-9a-fA-F]{{{digits}}}\Z")

    def extract(text: str) -> Iterator[Found]:
        if pattern.match(text):
            yield column, text.lower()

    return extract


def _trace(text: str) -> Iterator[Found]:
    if text:
        yield "p_any_trace_ids", text


EXTRACTORS: Mapping[str, Extract] = {
    "ip": _ip,
    "hostname": _hostname,
    "net_addr": _url,
    "url": _url,
    "domain": _domain,
    "aws_arn": _arn,
    "aws_arn_only": _arn_only,
    "aws_account_id": _account,
    "aws_instance_id": _instance,
    "aws_tag": _tag,
    "username": _username,
    "email": _email,
    "trace_id": _trace,
    "actor_id": _actor,
    "md5": _digest("p_any_md5_hashes", 32),
    "sha1": _digest("p_any_sha1_hashes", 40),
    "sha256": _digest("p_any_sha256_hashes", 64),
}

# Names under which AWS services write such values in requestParameters, responseElements and the like.
SCAN_KEYS: Mapping[str, Extract] = {
    "instanceId": _instance,
    "instance-id": _instance,
    "accountId": _account,
    "account": _account,
    "ipv6Addresses": _ip,
    "ipv6Address": _ip,
    "publicIp": _ip,
    "privateIpAddress": _ip,
    "publicIpAddress": _ip,
    "ipAddress": _ip,
    "ipAddressV4": _ip,
    "sourceIPAddress": _ip,
    "sourceIpAddress": _ip,
    "publicDnsName": _domain,
    "privateDnsName": _domain,
    "domain": _domain,
}
