"""What an approval is bound to: the content of a version, part by part, and a fingerprint of each part.

Read from the rows themselves and not from the file they came from, so that whatever moves a row moves
its fingerprint. Knows nothing of approvals; `catalogue.guards` compares.
"""

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import rfc8785

if TYPE_CHECKING:
    from catalogue.models import MicroCredentialVersion

PARTS = {
    "credential": "what is listed",
    "outcomes": "the learning outcomes",
    "tasks": "the tasks",
    "rubrics": "the rubrics",
    "scheme": "the grades",
    "policy": "the policy",
}
"""The parts that an approval binds (domain 2.2), and what people call them."""


def digest(data: Any) -> str:
    """SHA-256 of the canonical JSON (RFC 8785)."""
    return hashlib.sha256(rfc8785.dumps(data)).hexdigest()


def content_of(version: "MicroCredentialVersion", policy: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that is bound, as plain data, in six queries. `policy` holds the policy values that count.

    Numbers with decimals are texts of two places: a database gives 8 as 8.00 or not, and a fingerprint
    must not care.
    """
    tasks = sorted(
        version.tasks.select_related("rubric").prefetch_related(
            "rubric__criteria__levels", "rubric__criteria__outcome"
        ),
        key=lambda task: task.number,
    )
    scheme = version.grade_scheme
    return {
        "credential": {
            "title": version.title,
            "title_mi": version.title_mi,
            "credits": version.credits,
            "level": version.level,
            "purpose": version.purpose,
            "delivery_modes": version.delivery_modes,
            "listing": version.listing,
            "review_interval_months": version.review_interval_months,
        },
        "outcomes": [
            {"number": one.number, "title": one.title, "text": one.text}
            for one in version.outcomes.order_by("number")
        ],
        "tasks": [
            {
                "number": task.number,
                "title": task.title,
                "brief": task.brief,
                "ai_policy": task.ai_policy,
                "attestations_required": task.attestations_required,
                "file_types": task.file_types,
                "file_max_megabytes": task.file_max_megabytes,
            }
            # Only where it is said: what was approved before there was such a time keeps its fingerprint.
            | ({"marking_minutes": task.marking_minutes} if task.marking_minutes else {})
            for task in tasks
        ],
        "rubrics": [
            {
                "task": task.number,
                "content_hash": task.rubric.content_hash,
                "criteria": [
                    _criterion(one)
                    for one in sorted(task.rubric.criteria.all(), key=lambda one: one.number)
                ],
            }
            for task in tasks
        ],
        "scheme": {
            "code": scheme.code,
            "name": scheme.name,
            "kind": scheme.kind,
            "grades": [
                {
                    "code": grade.code,
                    "label": grade.label,
                    "label_mi": grade.label_mi,
                    "rank": grade.rank,
                    "is_pass": grade.is_pass,
                    "min_percent": _places(grade.min_percent),
                    "max_percent": _places(grade.max_percent),
                }
                for grade in scheme.grades.order_by("rank")
            ],
        },
        "policy": dict(policy),
    }


def _criterion(one: Any) -> dict[str, Any]:
    return {
        "number": one.number,
        "code": one.code,
        "title": one.title,
        "outcome": one.outcome.number,
        "description": one.description,
        "good_looks_like": one.good_looks_like,
        "reflection_prompt": one.reflection_prompt,
        "is_required": one.is_required,
        "weight": _places(one.weight),
        "levels": [
            {
                "rank": level.rank,
                "code": level.code,
                "label": level.label,
                "descriptor": level.descriptor,
                "is_met": level.is_met,
                "percent": _places(level.percent),
            }
            for level in sorted(one.levels.all(), key=lambda level: level.rank)
        ],
    }


def _places(number: Any) -> str | None:
    return None if number is None else f"{number:.2f}"


def fingerprints(content: Mapping[str, Any]) -> dict[str, str]:
    """A fingerprint of each part."""
    return {part: digest(content[part]) for part in PARTS}
