"""Agreement over several rounds, from the readings that were stored when each was closed. Pure.

What a round stores is compact: each judgement that both made is one row of numbers. From such rows the same
figures come in all, for each criterion, delivery, month and assessor, and the level-by-level tables.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moderation import statistics

COLUMNS = ("item", "criterion", "assessor", "level", "moderator_level", "met", "moderator_met")
"""What the numbers of a row are: places in the lists of the same store, ranks, and 0 or 1."""

Store = Mapping[str, Any]


@dataclass(frozen=True)
class Reading:
    """Who read a piece of work for moderation, and the days on which the assessor and the moderator judged."""

    moderator: str
    decided: str
    read: str


def store_of(
    rows: Iterable[tuple[statistics.Pair, str, str]],
    labels: Mapping[str, Sequence[str]],
    readings: Mapping[str, Reading],
    *,
    blind: bool,
) -> dict[str, Any]:
    """What a round keeps of its readings: `rows` with criterion and assessor, `labels` of each scale.

    `readings` tells of each item who read it and when; `blind` whether before seeing the assessor's levels.
    """
    items: dict[str, int] = {}
    criteria: dict[str, int] = {}
    people: dict[str, int] = {}
    found = []
    for pair, criterion, assessor in rows:
        found.append(
            [
                items.setdefault(pair.item, len(items)),
                criteria.setdefault(criterion, len(criteria)),
                people.setdefault(assessor, len(people)),
                pair.assessor,
                pair.moderator,
                int(pair.assessor_met),
                int(pair.moderator_met),
            ]
        )
    moderators = list(dict.fromkeys(readings[item].moderator for item in items))
    return {
        "blind": blind,
        "criteria": list(criteria),
        "assessors": list(people),
        "moderators": moderators,
        "readings": [
            [
                moderators.index(readings[item].moderator),
                readings[item].decided,
                readings[item].read,
            ]
            for item in items
        ],
        "items": len(items),
        "labels": {code: list(labels.get(code, ())) for code in criteria},
        "rows": found,
    }


def figures_of(stores: Sequence[tuple[str, str, Store]], min_items: int = 20) -> dict[str, Any]:
    """The figures of several rounds together; each store with its delivery and month.

    Rounds that were read with the assessor's decision in sight are counted as `sighted` and left out: agreement
    with what one has seen says little. Groups come in the order in which they first appear. Criteria are taken
    for the same by their code.
    """
    pairs: list[statistics.Pair] = []
    keys: dict[str, list[str]] = {"criterion": [], "delivery": [], "month": [], "assessor": []}
    labels: dict[str, list[str]] = {}
    blind = [one for one in stores if one[2].get("blind", True)]
    for number, (delivery, month, store) in enumerate(blind):
        for code, own in store["labels"].items():
            if len(own) > len(labels.get(code, ())):
                labels[code] = list(own)
        criteria, people = store["criteria"], store["assessors"]
        sizes = {code: len(store["labels"][code]) for code in criteria}
        for item, criterion, assessor, one, other, met, other_met in store["rows"]:
            code = criteria[criterion]
            pairs.append(
                statistics.Pair(
                    f"{number}|{item}", "", one, other, bool(met), bool(other_met),
                    max(sizes[code], one + 1, other + 1),
                )
            )  # fmt: skip
            keys["criterion"].append(code)
            keys["delivery"].append(delivery)
            keys["month"].append(month)
            keys["assessor"].append(people[assessor])
    everything = statistics.agreement_of(pairs, min_items)
    return {
        "min_items": min_items,
        "rounds": len(blind),
        "sighted": len(stores) - len(blind),
        "all": everything.as_json() if everything else None,
        "labels": labels,
        "tables": {
            code: statistics.confusion(own, max(len(labels.get(code, ())), own[0].levels))
            for code, own in _groups(pairs, keys["criterion"]).items()
        },
        **{
            f"by_{name}": {
                key: one.as_json()
                for key, own in _groups(pairs, found).items()
                if (one := statistics.agreement_of(own, min_items))
            }
            for name, found in keys.items()
        },
    }


def _groups(
    pairs: Sequence[statistics.Pair], keys: Sequence[str]
) -> dict[str, list[statistics.Pair]]:
    grouped: dict[str, list[statistics.Pair]] = {}
    for pair, key in zip(pairs, keys, strict=True):
        grouped.setdefault(key, []).append(pair)
    return grouped
