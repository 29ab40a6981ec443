"""Files that people write, read part by part: every mistake with its line and what to write instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from headwater import yamlfile
from headwater.accounts.checks import Finding, did_you_mean
from headwater.errors import Problem

M = TypeVar("M", bound=BaseModel)


def problem(finding: Finding, document: yamlfile.Document, file: str) -> Problem:
    """The finding with the line that it stands in."""
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in finding.path).lstrip(".")
    return Problem(file, document.line(finding.path), key, finding.message, finding.fix)


class PartReader:
    """Checks parts of a file and keeps what it finds; a broken part does not hide mistakes in the others."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def part(self, model: type[M], raw: Any, path: yamlfile.Path) -> M | None:
        """The part, or None where it is not well-formed."""
        try:
            return model.model_validate(raw)
        except ValidationError as error:
            found = [_finding(details, model, path) for details in error.errors(include_url=False)]
            self.findings += [each for each in found if not _misspelt(each, found)]
            return None


def _misspelt(finding: Finding, others: Sequence[Finding]) -> bool:
    """Whether a key is missing only because it is misspelt, which is reported already."""
    suggestion = f"did you mean {finding.path[-1]}?" if finding.path else None
    return any(other.fix == suggestion and other.path[:-1] == finding.path[:-1] for other in others)


def _finding(details: ErrorDetails, model: type[BaseModel], path: yamlfile.Path) -> Finding:
    place = (*path, *details["loc"])
    key = place[-1] if place else "the file"
    context = details.get("ctx", {})
    match details["type"]:
        case "headwater":
            return Finding(place, context["message"], context["fix"])
        case "extra_forbidden":
            known = list(_holder(model, details["loc"]).model_fields)
            return Finding(place, f"unknown key {key!r}", did_you_mean(str(key), known))
        case "missing":
            return Finding(place, f"{key!r} is missing", _description(model, str(key)))
        case "model_type" | "dict_type" | "model_attributes_type":
            return Finding(place, f"{key} must be a mapping of keys to values")
        case "list_type":
            return Finding(place, f"{key} must be a list", "one entry a line, each begun by a hyphen")
        case "too_short":
            return Finding(place, f"{key} is empty", "add an entry, or remove the account")
        case "string_type":
            return Finding(place, f"{details['input']!r} is not text", f'put it in quotes: "{details["input"]}"')
        case "literal_error":
            return Finding(place, f"{details['input']!r} is not one of {context['expected']}")
        case _:
            return Finding(place, details["msg"].removeprefix("Value error, "))


def _holder(model: type[BaseModel], path: Sequence[str | int]) -> type[BaseModel]:
    """The model that the last key of a path belongs to."""
    for key in path[:-1]:
        field = model.model_fields.get(str(key))
        parts = [field.annotation, *get_args(field.annotation)] if field else []
        model = next((part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)), model)
    return model


def _description(model: type[BaseModel], key: str) -> str:
    field = model.model_fields.get(key)
    return f"add {key}: {field.description}" if field and field.description else f"add {key}"
