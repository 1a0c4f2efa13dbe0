"""Checking a round's record offline: whoever has the file needs nothing else. Pure.

Signature, policies, populations, every draw, agreement, assurance and the chains of the round and its items
are worked out again from what stands in the file. It does not say that what was judged was judged well.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain as one_after_another
from typing import Any

import rfc8785

from accounts.wording import NO_BREAK
from moderation import assurance, population, sampling, statistics
from moderation.sequential import Sequential
from workflows.hashing import START, key_id, record_hash, signature_holds

FORMAT = "moderato-round-1"
READ = ("upheld", "adjusted")


@dataclass(frozen=True)
class Finding:
    """One thing in the record that does not fit."""

    part: str
    says: str


def sampling_rules(policy: Mapping[str, Any]) -> sampling.Rules:
    """The sampling rules of a frozen policy."""
    return sampling.Rules(
        all_if_n_le=policy["sample.all_if_n_le"],
        min_per_assessor=policy["sample.min_per_assessor"],
        minimum=policy["sample.min"],
        share=Fraction(str(policy["sample.share"])),
        probation=policy["assessor.probation_decisions"],
        early=policy["sample.early_check"],
        borderline_levels=policy["sample.borderline_levels"],
        borderline_points=Fraction(str(policy["sample.borderline_points"])),
    )


def sequential_of(policy: Mapping[str, Any]) -> Sequential:
    """The step-by-step test of a policy."""
    return Sequential(
        policy["sequential.p1"],
        policy["sequential.p2"],
        policy["sequential.alpha"],
        policy["sequential.beta"],
    )


def size_rule(policy: Mapping[str, Any]) -> Callable[[int], int] | None:
    """How large the random part is: None for the customary rule.

    Otherwise a number chosen, what accepts step by step if nothing is found, or what gives the stated
    assurance.
    """
    if chosen := policy.get("sample.custom_size"):
        return lambda _n: int(chosen)
    if policy.get("sample.sequential"):
        enough = sequential_of(policy).enough()
        return lambda n: min(n, enough)
    if not policy["sample.by_assurance"]:
        return None
    p_star, alpha = policy["assurance.p_star"], policy["assurance.alpha"]
    return lambda n: assurance.zero_defect_size(n, p_star, alpha)


def rows_under(text: str, policy: Mapping[str, Any]) -> list[sampling.Row]:
    """The rows of a population's file, with only those reasons that the policy reads in full."""
    rows = population.read(text)
    on = policy.get("sample.targeted")
    if on is None:
        return rows
    return [replace(row, reasons=tuple(one for one in row.reasons if one in on)) for row in rows]


@dataclass(frozen=True)
class Member:
    """What the assurance needs of one decision of the set. `read` and `wrong` are of the random part.

    `wrong` is one that the moderator judged differently; `error` one of these that was a mistake of fact alone.
    """

    plan: int
    stratum: str
    targeted: bool
    read: bool
    wrong: bool
    error: bool = False


def assurance_summary(
    draws: Sequence[Mapping[str, Any]], members: Sequence[Member], alpha: float
) -> assurance.Assurance:
    """The statement on the frame: of every plan that drew a random part, what is still drawn under it.

    A small set has no random part. Items that were targeted say nothing about the rest.
    """
    plans = {one["plan"] for one in draws if one["frame"] and one["because"] != "extension"}
    frame = [one for one in members if one.plan in plans and not one.targeted]
    strata: dict[tuple[int, str], list[Member]] = {}
    for one in frame:
        strata.setdefault((one.plan, one.stratum), []).append(one)
    parts = [
        assurance.Part(
            len(own), sum(one.read for one in own), sum(one.read and one.wrong for one in own)
        )
        for own in strata.values()
    ]
    return assurance.assurance(
        len(frame),
        sum(part.read for part in parts),
        sum(part.found for part in parts),
        alpha,
        parts,
        sum(one.read and one.wrong and one.error for one in frame),
    )


Rows = Sequence[tuple[statistics.Pair, str, str]]


def agreement_summary(
    rows: Rows, outcomes: Sequence[tuple[str, str]], least: int
) -> dict[str, Any]:
    """Agreement in all, for each criterion and for each assessor, as it is stored with the round.

    `rows` are pairs with the criterion's code and the assessor's key; `outcomes` of assessor and moderator.
    """
    everything = statistics.agreement_of([pair for pair, _code, _author in rows], least)
    by_author = [
        statistics.Pair(
            p.item, author, p.assessor, p.moderator, p.assessor_met, p.moderator_met, p.levels
        )
        for p, _code, author in rows
    ]
    same = sum(one == other for one, other in outcomes)
    return {
        "min_items": least,
        "items_read": len(outcomes),
        "same_outcome": round(same / len(outcomes), 4) if outcomes else None,
        "all": everything.as_json() if everything else None,
        "by_criterion": {
            str(code): one.as_json()
            for code, one in statistics.agreement_by_group(
                [pair for pair, _code, _author in rows], least
            ).items()
        },
        "by_assessor": {
            str(author): one.as_json()
            for author, one in statistics.agreement_by_group(by_author, least).items()
        },
    }


def signed_part(record: Mapping[str, Any]) -> bytes:
    """The bytes that the signature covers: the record without it, as RFC 8785 writes it."""
    return rfc8785.dumps({key: value for key, value in record.items() if key != "signature"})


def verify(record: Any, key: str = "") -> Finding | None:
    """The first thing that does not fit, or None. `key` is the id of the key that must have signed."""
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        return Finding("format", f"this is no record of the format {FORMAT}")
    checks = (
        plan_faults,
        draw_faults,
        member_faults,
        agreement_faults,
        assurance_faults,
        chain_faults,
    )
    try:
        faults = one_after_another(
            signature_faults(record, key), *(check(record) for check in checks)
        )
        return next(faults, None)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        return Finding("format", f"something is missing or of another kind ({error!r})")


def signature_faults(record: Mapping[str, Any], key: str) -> Iterator[Finding]:
    """Signed by the key that is named, over exactly these bytes."""
    signature = record["signature"]
    public = bytes.fromhex(signature["public_key"])
    if key_id(public) != signature["key_id"]:
        yield Finding("signature", "the public key is not the one that is named")
    if key and key != signature["key_id"]:
        yield Finding("signature", f"signed by {signature['key_id']}, not by {key}")
    if not signature_holds(public, bytes.fromhex(signature["value"]), signed_part(record)):
        yield Finding("signature", "the record is not what was signed")


def plan_faults(record: Mapping[str, Any]) -> Iterator[Finding]:
    """Each plan's digests are those of its policy, its population and its decisions."""
    for plan in record["plans"]:
        name = f"plan {plan['number']}"
        if hashlib.sha256(rfc8785.dumps(plan["policy"])).hexdigest() != plan["policy_hash"]:
            yield Finding(name, "the policy does not have the fingerprint that was stored")
        rows = rows_under(plan["population"], plan["policy"])
        if plan["algorithm"] not in sampling.ALGORITHMS:
            yield Finding(name, f"the algorithm {plan['algorithm']} is none that is known")
            continue
        if sampling.population_hash(rows, plan["algorithm"]) != plan["population_hash"]:
            yield Finding(name, "the population does not have the fingerprint that was stored")
        if hashlib.sha256(rfc8785.dumps(plan["decisions"])).hexdigest() != plan["decisions_hash"]:
            yield Finding(name, "the decisions do not have the fingerprint that was stored")
        if [row.key for row in rows] != [one[0] for one in plan["decisions"]]:
            yield Finding(name, "population and decisions are not about the same work")


def draw_faults(record: Mapping[str, Any]) -> Iterator[Finding]:
    """Every draw, made again from its plan, gives the items that are in the record."""
    plans = {one["number"]: one for one in record["plans"]}
    drawn: dict[int, set[str]] = {}
    for draw in record["draws"]:
        plan = plans[draw["plan"]]
        before = drawn.setdefault(draw["plan"], set())
        picks = draw_again(plan, draw, before)
        wanted = {
            pick.key: (
                pick.part,
                list(pick.reasons),
                pick.stratum,
                float(pick.probability),
            )
            for pick in picks
        }
        found = {
            item["code"]: (
                item["part"],
                item["reasons"],
                item["stratum"],
                item["inclusion_probability"],
            )
            for item in record["items"]
            if item["draw"] == draw["draw"]
        }
        if wanted != found:
            code = min(
                code for code in wanted.keys() | found.keys() if wanted.get(code) != found.get(code)
            )
            yield Finding(f"draw {draw['draw']}", f"{code} is not what the seed draws")
        before |= set(wanted)


def draw_again(
    plan: Mapping[str, Any], draw: Mapping[str, Any], before: set[str]
) -> Sequence[sampling.Pick]:
    """What the plan's seed gives for one draw of the record."""
    rows = rows_under(plan["population"], plan["policy"])
    if draw["because"] != "extension":
        policy = plan["policy"]
        return sampling.draw(
            rows, sampling_rules(policy), plan["seed"], size_rule(policy), plan["algorithm"]
        ).picks
    shuffle = sampling.shuffle_of(rows, plan["seed"], plan["algorithm"])
    picks: list[sampling.Pick] = []
    for asked in draw["asked"]:
        picks += sampling.extend(
            [row for row in rows if not row.reasons],
            before | {pick.key for pick in picks},
            asked["assessor"],
            asked["count"],
            shuffle,
        )
    return picks


def member_faults(record: Mapping[str, Any]) -> Iterator[Finding]:
    """Every member stands in the population of its plan as it stands in the set."""
    rows = {
        plan["number"]: {row.key: row for row in rows_under(plan["population"], plan["policy"])}
        for plan in record["plans"]
    }
    for member in record["members"]:
        row = rows[member["plan"]].get(member["code"])
        if row is None or (row.stratum, list(row.reasons)) != (
            member["stratum"],
            member["targeted_for"],
        ):
            yield Finding("members", f"{member['code']} does not stand in its population so")


def pairs_in(record: Mapping[str, Any]) -> tuple[Rows, list[tuple[str, str]]]:
    """What the record says of both readings, as the arithmetic wants it."""
    rows = []
    outcomes = []
    for item in record["items"]:
        if item["superseded"] or not item["readings"]:
            continue
        reading = item["readings"][0]
        outcomes.append((item["frozen"]["outcome"], reading["outcome"]))
        for code, mine in reading["levels"].items():
            theirs = item["frozen"]["levels"].get(code)
            if theirs is None:
                continue
            pair = statistics.Pair(
                item["code"],
                code,
                theirs["rank"],
                mine["rank"],
                theirs["met"],
                mine["met"],
                record["scales"][code],
            )
            rows.append((pair, code, item["stratum"].split("|", 1)[0]))
    return rows, outcomes


def agreement_faults(record: Mapping[str, Any]) -> Iterator[Finding]:
    """The stored figures of a closed round are those of its readings."""
    stored = record["statistics"]
    if not stored:
        return
    rows, outcomes = pairs_in(record)
    known = agreement_summary(rows, outcomes, stored["min_items"])
    if path := differs(known, stored):
        yield Finding("agreement", f"{path} is not what the readings give")


def assurance_faults(record: Mapping[str, Any]) -> Iterator[Finding]:
    """The statement of a closed round is that of its random part.

    Rounds that were closed before factual errors counted say nothing of them.
    """
    stored = record["assurance"]
    if not stored:
        return
    counts_errors = "factual_errors" in stored
    items = {
        one["code"]: one
        for one in record["items"]
        if one["part"] == "random" and not one["superseded"]
    }
    members = []
    for one in record["members"]:
        item = items.get(one["code"])
        decisions = [each for each in (item["decisions"] if item else []) if each["disagreement"]]
        grave = any(not each["factual_error"] for each in decisions)
        members.append(
            Member(
                one["plan"],
                one["stratum"],
                bool(one["targeted_for"]),
                read=item is not None and item["state"] in READ,
                wrong=grave or (bool(decisions) and counts_errors),
                error=not grave,
            )
        )
    alpha = float(record["plans"][-1]["policy"]["assurance.alpha"])
    known = assurance_summary(record["draws"], members, alpha).as_json()
    if not counts_errors:
        del known["factual_errors"]
    if path := differs(known, stored):
        yield Finding("assurance", f"{path} is not what the random part gives")


def differs(one: Any, other: Any, path: str = "") -> str:
    """Where two trees differ by more than a rounding; empty where they do not."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        if one.keys() != other.keys():
            return path or "a figure"
        for key in one:
            if found := differs(one[key], other[key], f"{path}.{key}" if path else str(key)):
                return found
        return ""
    if isinstance(one, float) and isinstance(other, (int, float)):
        return "" if math.isclose(one, other, abs_tol=2e-4) else path
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        same = len(one) == len(other)
        for mine, theirs in zip(one, other, strict=False):
            same = same and not differs(mine, theirs, "x")
        return "" if same else path
    if isinstance(one, str) and isinstance(other, str):
        # Sentences of earlier records write per cent with a plain space.
        return "" if one.replace(NO_BREAK, " ") == other.replace(NO_BREAK, " ") else path
    return "" if one == other else path


def chain_faults(record: Mapping[str, Any]) -> Iterator[Finding]:
    """Each chain continues, ends in the state that the record shows, and binds what was frozen."""
    states = {item["id"]: item["state"] for item in record["items"]}
    states[record["round"]["id"]] = record["round"]["state"]
    ends: dict[str, str] = {}
    for chain in record["chains"]:
        yield from broken_links(chain)
        if chain["records"]:
            ends[chain["subject_id"]] = loaded(chain["records"][-1]["payload"])["target"]
    for subject, state in states.items():
        if ends.get(subject) != state:
            yield Finding("chains", f"{subject} does not end in the state {state}")
    bound = {
        (payload["facts"]["population_hash"], payload["facts"]["seed_hash"])
        for chain in record["chains"]
        if chain["subject_id"] == record["round"]["id"]
        for payload in (loaded(one["payload"]) for one in chain["records"])
        if "population_hash" in payload["facts"]
    }
    plans = {one["number"]: one for one in record["plans"]}
    for number in {draw["plan"] for draw in record["draws"]}:
        seed_hash = hashlib.sha256(plans[number]["seed"].encode()).hexdigest()
        if (plans[number]["population_hash"], seed_hash) not in bound:
            yield Finding("chains", f"plan {number} is not the one that was frozen")


def broken_links(chain: Mapping[str, Any]) -> Iterator[Finding]:
    """Records that do not continue their chain."""
    previous = START
    for place, one in enumerate(chain["records"], 1):
        payload = loaded(one["payload"])
        name = f"{chain['subject_type']} {chain['subject_id']} record {place}"
        if payload["seq"] != place or payload["subject_id"] != chain["subject_id"]:
            yield Finding("chains", f"{name} is not in its place")
        made = record_hash(previous, one["payload"].encode())
        if made.hex() != one["hash"]:
            yield Finding("chains", f"{name} does not continue its chain")
        previous = made


def loaded(payload: str) -> dict[str, Any]:
    """The payload of a record as data."""
    found: dict[str, Any] = json.loads(payload)
    return found
