"""The round's record for keeping elsewhere: what was frozen, drawn, found and decided (domain 2.5)."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from assessment.models import AssessmentDecision, CriterionJudgement
from assessment.selectors import results_for
from catalogue.enums import DeliveryRoleKind
from catalogue.models import DeliveryRole, Level
from moderation import verification
from moderation.enums import RoundState
from moderation.models import ExternalReview, ModerationRound, RoundMember, SampleItem
from moderation.rules import MODERATORS
from moderation.selectors.withheld import withheld_from
from workflows.hashing import key_id, public_bytes, signing_key
from workflows.models import TransitionRecord

WRITTEN = frozenset(
    {
        "reason",
        "required_actions",
        "text",
        "response",
        "closing_note",
        "comment",
        "comments",
        "evidence_note",
        "accessibility_and_te_reo",
        "feedback_note",
        "asked_for",
        "achievement_record",
        "report",
        "item_comments",
    }
)
"""Where the record holds what people wrote, and may have named somebody. Nothing is worked out from these."""


def record_of(moderation_round: ModerationRound) -> dict[str, Any]:
    """The signed record. Work and people are named by codes of the round, nobody in any other way.

    Names are left out of what people wrote too. A fixed number of queries. `manage.py verify_round` checks
    it where nothing else of the system is.
    """
    found: dict[str, Any] = withheld_from(moderation_round).inside(
        _unsigned(moderation_round), WRITTEN
    )
    key = signing_key()
    public = public_bytes(key)
    found["signature"] = {
        "algorithm": "Ed25519 over RFC 8785 without this part",
        "key_id": key_id(public),
        "public_key": public.hex(),
        "value": key.sign(verification.signed_part(found)).hex(),
    }
    return found


def _unsigned(moderation_round: ModerationRound) -> dict[str, Any]:
    closed = moderation_round.state == RoundState.CLOSED
    members = list(moderation_round.members.order_by("position").select_related("submission"))
    codes = {one.submission_id: one.code for one in members}
    items = list(
        moderation_round.items.select_related("decision")
        .prefetch_related(
            "decisions",
            "readings__judgements__criterion",
            "readings__judgements__level",
            "readings__judgements__pointers",
        )
        .order_by("draw", "pk")
    )
    reviews = list(
        moderation_round.external_reviews.order_by("invited_at", "pk").prefetch_related(
            "comments__item"
        )
    )
    closer = _closer(moderation_round)
    people = _people(moderation_round, members, items, reviews, closer)
    frozen = _levels_of(one.decision_id for one in items)
    pointed = _evidence_of(one.decision_id for one in items)
    statistics = dict(moderation_round.statistics) if closed else {}
    if statistics:
        statistics["by_assessor"] = {
            people.get(UUID(author), author): figures
            for author, figures in statistics["by_assessor"].items()
        }
    return {
        "format": verification.FORMAT,
        "round": _about(moderation_round, people, closer),
        "people": _roles(moderation_round, people, reviews),
        "plans": [
            {
                "number": plan.number,
                "reason": plan.reason,
                "made_by": people.get(plan.made_by_id, ""),
                "made_at": _moment(plan.made_at),
                "policy": plan.policy,
                "policy_hash": plan.policy_hash,
                "algorithm": plan.algorithm,
                "seed": plan.seed,
                "population": plan.population,
                "population_hash": plan.population_hash,
                "decisions": plan.decisions,
                "decisions_hash": plan.decisions_hash,
            }
            for plan in moderation_round.plans.order_by("number")
        ],
        "members": [
            {
                "code": one.code,
                "assessor": one.assessor_code,
                "plan": one.plan,
                "decision": str(one.decision_id),
                "stratum": one.stratum,
                "targeted_for": one.targeted_for,
            }
            for one in members
        ],
        "draws": [one | {"by": people.get(_key(one["by"]), "")} for one in moderation_round.draws],
        "scales": _scales(moderation_round),
        "items": [
            _item(
                one,
                codes[one.submission_id],
                frozen.get(one.decision_id, {}),
                pointed.get(one.decision_id, {}),
                people,
            )
            for one in items
        ],
        "decision": {
            "decision": moderation_round.decision,
            "reason": moderation_round.decision_reason,
            "required_actions": moderation_round.required_actions,
            "adjustment": {
                key: people.get(_person(value), value)
                for key, value in moderation_round.adjustment.items()
            },
            "decided_by": people.get(moderation_round.decided_by_id, ""),
            "decided_at": _moment(moderation_round.decided_at),
            "approved_by": people.get(moderation_round.approved_by_id, ""),
            "approved_at": _moment(moderation_round.approved_at),
        },
        "actions": [
            {
                "text": one.text,
                "owner": people.get(one.owner_id, ""),
                "due_on": one.due_on.isoformat(),
                "response": one.response,
                "closing_note": one.closing_note,
                "closed_by": people.get(one.closed_by_id, ""),
                "closed_at": _moment(one.closed_at),
            }
            for one in moderation_round.actions.all()
        ],
        "external": [_external(one, codes, people) for one in reviews],
        "changes": changes_of(members, people),
        "statistics": statistics,
        "assurance": moderation_round.assurance if closed else {},
        "chains": _chains([moderation_round.pk, *(one.pk for one in items)]),
    }


def _key(text: str) -> UUID | None:
    return UUID(text) if text else None


def _person(value: Any) -> UUID | None:
    """A key where the text is one: rules of a decision name people, criteria and dates alike."""
    try:
        return UUID(value)
    except (AttributeError, TypeError, ValueError):
        return None


def _moment(value: Any) -> str:
    return value.isoformat() if value else ""


def _about(
    moderation_round: ModerationRound, people: dict[Any, str], closer: UUID | None
) -> dict[str, Any]:
    version = moderation_round.delivery.version
    rubrics = moderation_round.members.order_by().values_list(
        "submission__rubric__content_hash", flat=True
    )
    return {
        "id": str(moderation_round.pk),
        "number": moderation_round.number,
        "kind": "Internal, after assessment",
        "blind_first": moderation_round.policy.get("moderator.blind_first", True),
        "delivery": moderation_round.delivery.code,
        "task": moderation_round.task.title,
        "micro_credential": version.micro_credential.code,
        "version": version.number,
        "definition_hash": version.definition_hash,
        "rubric_hashes": sorted(set(rubrics.distinct())),
        "grade_scheme": version.grade_scheme.name,
        "state": moderation_round.state,
        "opened_by": people.get(moderation_round.opened_by_id, ""),
        "opened_at": _moment(moderation_round.opened_at),
        "closed_by": people.get(closer, ""),
        "closed_at": _moment(moderation_round.closed_at),
    }


def _closer(moderation_round: ModerationRound) -> UUID | None:
    """Who closed it last; None while it is open."""
    if moderation_round.state != RoundState.CLOSED:
        return None
    rows = TransitionRecord.objects.of(moderation_round).filter(name="close").order_by("-seq")
    found: UUID | None = rows.values_list("actor_id", flat=True).first()
    return found


def _external(
    review: ExternalReview, codes: dict[UUID, str], people: dict[Any, str]
) -> dict[str, Any]:
    """One invitation; what was found only once it was submitted. A pointer says who this is, by no name of ours."""
    submitted = review.submitted_at is not None
    comments = review.comments.all() if submitted else ()
    return {
        "person": people.get(review.person_id, ""),
        "achievement_record": review.achievement_record,
        "invited_by": people.get(review.invited_by_id, ""),
        "asked_for": review.asked,
        "opens_at": _moment(review.opens_at),
        "closes_at": _moment(review.closes_at),
        "revoked_at": _moment(review.revoked_at),
        "submitted_at": _moment(review.submitted_at),
        "finding": review.finding if submitted else "",
        "report": review.report if submitted else "",
        "item_comments": dict(
            sorted((codes[one.item.submission_id], one.text) for one in comments)
        ),
    }


def _people(
    moderation_round: ModerationRound,
    members: list[RoundMember],
    items: list[SampleItem],
    reviews: list[ExternalReview],
    closer: UUID | None,
) -> dict[Any, str]:
    """A code for everybody who is in the record: assessors as in the population, others P01 and on."""
    found: dict[Any, str] = {one.assessor_id: one.assessor_code for one in members}
    others = [moderation_round.opened_by_id, moderation_round.decided_by_id]
    others += [moderation_round.approved_by_id]
    others += [plan.made_by_id for plan in moderation_round.plans.all()]
    for item in items:
        others += [item.moderator_id, item.decision.author_id]
        others += [reading.moderator_id for reading in item.readings.all()]
        others += [decision.moderator_id for decision in item.decisions.all()]
    others += [_key(one["by"]) for one in moderation_round.draws]
    for action in moderation_round.actions.all():
        others += [action.owner_id, action.closed_by_id]
    others.append(closer)
    for review in reviews:
        others += [review.person_id, review.invited_by_id]
    for person in others:
        if person is not None and person not in found:
            found[person] = f"P{1 + sum(code[0] == 'P' for code in found.values()):02}"
    return found


def _roles(
    moderation_round: ModerationRound, people: dict[Any, str], reviews: list[ExternalReview]
) -> dict[str, Any]:
    """What each person did, by code. Moderators declare their independence with each blind reading."""
    roles: dict[UUID, set[str]] = {}
    for person, role in DeliveryRole.objects.filter(
        delivery=moderation_round.delivery_id, role__in=MODERATORS, user__in=list(people)
    ).values_list("user_id", "role"):
        roles.setdefault(person, set()).add(role)
    for review in reviews:
        roles.setdefault(review.person_id, set()).add(DeliveryRoleKind.EXTERNAL_MODERATOR.value)
    return {
        code: sorted(roles.get(person, set()) | ({"assessor"} if code.startswith("A") else set()))
        for person, code in people.items()
    }


def _levels_of(decisions: Iterable[UUID]) -> dict[UUID, dict[str, dict[str, Any]]]:
    found: dict[UUID, dict[str, dict[str, Any]]] = {}
    rows = CriterionJudgement.objects.filter(decision__in=set(decisions), level__isnull=False)
    for decision, criterion, code, rank, met in rows.values_list(
        "decision_id", "criterion__code", "level__code", "level__rank", "level__is_met"
    ):
        found.setdefault(decision, {})[criterion] = {"code": code, "rank": rank, "met": met}
    return found


def _evidence_of(decisions: Iterable[UUID]) -> dict[UUID, dict[str, list[int]]]:
    """The numbers of the evidence that each judgement points to, by decision and criterion. One query."""
    found: dict[UUID, dict[str, list[int]]] = {}
    rows = CriterionJudgement.objects.filter(decision__in=set(decisions), pointers__isnull=False)
    for decision, criterion, number in rows.order_by("pointers__number").values_list(
        "decision_id", "criterion__code", "pointers__number"
    ):
        found.setdefault(decision, {}).setdefault(criterion, []).append(number)
    return found


def _scales(moderation_round: ModerationRound) -> dict[str, int]:
    """How many levels each criterion has."""
    scales: dict[str, int] = {}
    for criterion, rank in Level.objects.filter(
        criterion__rubric__task=moderation_round.task_id
    ).values_list("criterion__code", "rank"):
        scales[criterion] = max(scales.get(criterion, 0), rank + 1)
    return scales


def _item(
    item: SampleItem,
    code: str,
    levels: dict[str, Any],
    evidence: dict[str, list[int]],
    people: dict[Any, str],
) -> dict[str, Any]:
    return {
        "id": str(item.pk),
        "code": code,
        "part": item.part,
        "reasons": item.reasons,
        "stratum": item.stratum,
        "draw": item.draw,
        "inclusion_probability": item.inclusion_probability,
        "state": item.state,
        "superseded": item.superseded_at is not None,
        "moderator": people.get(item.moderator_id, ""),
        "frozen": {
            "decision": str(item.decision_id),
            "outcome": item.decision.outcome,
            "levels": levels,
            "evidence": evidence,
        },
        "readings": [
            {
                "moderator": people.get(reading.moderator_id, ""),
                "independence": reading.declaration,
                "mode": reading.mode,
                "outcome": reading.outcome,
                "sealed_at": _moment(reading.sealed_at),
                "comment": reading.comment,
                "evidence_sufficient": reading.sufficiency,
                "evidence_note": reading.sufficiency_note,
                "accessibility_and_te_reo": reading.inclusion_note,
                "levels": {
                    one.criterion.code: {
                        "code": one.level.code,
                        "rank": one.level.rank,
                        "met": one.level.is_met,
                    }
                    for one in reading.judgements.all()
                    if one.level
                },
                "comments": {
                    one.criterion.code: one.comment
                    for one in reading.judgements.all()
                    if one.comment
                },
                "evidence": {
                    one.criterion.code: sorted(pin.number for pin in one.pointers.all())
                    for one in reading.judgements.all()
                    if one.pointers.all()
                },
            }
            for reading in item.readings.all()
            if reading.sealed_at
        ],
        "decisions": [
            {
                "outcome": one.outcome,
                "reason": one.reason,
                "disagreement": one.disagreement,
                "differences": one.differences,
                "factual_error": one.factual_error,
                "changes_result": one.changes_result,
                "feedback_useful": one.feedback_quality,
                "feedback_note": one.feedback_note,
                "by": people.get(one.moderator_id, ""),
                "at": _moment(one.decided_at),
            }
            for one in item.decisions.all()
        ],
    }


def changes_of(members: list[RoundMember], people: dict[Any, str]) -> list[dict[str, Any]]:
    """Results that are other than they were frozen first: before, after, why, and by whom."""
    results = results_for([one.submission_id for one in members])
    moved = [
        (one, results[one.submission_id])
        for one in members
        if one.submission_id in results and results[one.submission_id].pk != one.decision_id
    ]
    before = {
        one.pk: one
        for one in AssessmentDecision.objects.filter(
            pk__in=[member.decision_id for member, _now in moved]
        ).select_related("grade")
    }
    levels = _levels_of([*before, *(now.pk for _member, now in moved)])
    return [
        {
            "code": member.code,
            "before": _result(before[member.decision_id], levels),
            "after": _result(now, levels),
            "basis": now.basis,
            "reason": now.reason,
            "by": people.get(now.author_id, ""),
            "approved_by": people.get(now.approved_by_id, ""),
        }
        for member, now in moved
    ]


def _result(decision: AssessmentDecision, levels: dict[UUID, dict[str, Any]]) -> dict[str, Any]:
    own = levels.get(decision.pk, {})
    return {
        "decision": str(decision.pk),
        "outcome": decision.outcome,
        "grade": decision.grade.code if decision.grade else "",
        "levels": {criterion: own[criterion]["code"] for criterion in sorted(own)},
    }


def _chains(subjects: list[UUID]) -> list[dict[str, Any]]:
    """The chains of the round and of its items, as they were hashed."""
    chains: dict[UUID, dict[str, Any]] = {}
    rows = TransitionRecord.objects.filter(
        subject_type__in=["moderation.moderationround", "moderation.sampleitem"],
        subject_id__in=subjects,
    ).order_by("subject_type", "subject_id", "seq")
    for one in rows:
        chain = chains.setdefault(
            one.subject_id,
            {"subject_type": one.subject_type, "subject_id": str(one.subject_id), "records": []},
        )
        chain["records"].append({"payload": one.payload, "hash": bytes(one.hash).hex()})
    return list(chains.values())
