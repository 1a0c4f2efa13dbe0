"""The comment bank as people see it: what fits a criterion, what a search finds, and whose names it must not hold."""

import re
from collections.abc import Sequence
from typing import Any, cast

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from accounts.querysets import search_key
from assessment.enums import SHARES_BANK
from assessment.models import PreparedComment
from assessment.querysets import PreparedQuerySet
from assessment.selectors import composed
from catalogue.models import Criterion, Delivery, Enrolment, Level, MicroCredential
from portfolios.models import Submission

COMMON = (
    "art bill bob carol chip clay cliff dawn dean drew earl faith frank gene good grace grant guy hone "
    "hope ivy jack joy june king lane long mark may mere miles page park pat pearl penny ray read reed "
    "rich rob robin rose ruby sky still summer sue sunny victor wade will young"
)
ORDINARY = frozenset(search_key(word) for word in COMMON.split())
"""Names that are ordinary words too: they count where they begin with a capital letter."""
WORD = re.compile(r"[^\W\d_]+(?:[’'-][^\W\d_]+)*")


def name_in(text: str, names: list[str]) -> str:
    """The first word of `text` that is part of one of these names, macrons folded; empty if none is.

    Parts of fewer than three letters do not count, since they are words of many languages.
    """
    parts = {
        search_key(part)
        for name in names
        for word in WORD.findall(name)
        for part in (word, *re.split(r"[’'-]", word))
        if len(part) > 2
    }
    for word in WORD.findall(text):
        folded = search_key(word.removesuffix("’s").removesuffix("'s"))
        pieces = {folded, *re.split(r"[’'-]", folded)}
        if pieces & parts and (word[0].isupper() or not pieces & parts <= ORDINARY):
            return cast("str", word)
    return ""


def learners_of(micro_credential: MicroCredential) -> list[str]:
    """Names of everybody who was ever enrolled in it, full and as they are called."""
    enrolled = Enrolment.objects.filter(delivery__version__micro_credential=micro_credential)
    rows = enrolled.values_list("learner__name", "learner__preferred_name").distinct()
    return [name for row in rows for name in row if name]


FOR_EACH = 30
"""How many the workspace offers for one criterion, most used first."""


def prepared_for(
    submission: Submission, user: User, criteria: Sequence[Criterion]
) -> dict[str, list[PreparedComment]]:
    """By criterion code what the bank has for it, most used first. One statement.

    A text that holds a name of this learner is left out: somebody may have enrolled since it was kept.
    """
    learner = submission.learner
    names = [learner.name, learner.preferred_name]

    def build(values: Sequence[Any]) -> QuerySet[Any, Any]:
        asks, now, micro_credential = values
        seen = PreparedComment.objects.visible_to(User(pk=asks), now=now)
        of_it = seen.kept().filter(micro_credential=micro_credential)
        return of_it.order_by("-uses", "made_at")

    kept_for = submission.delivery.version.micro_credential_id
    rows = composed.instances("prepared", build, [user.pk, timezone.now(), kept_for])
    fitting = [one for one in rows if not name_in(one.text, names)]
    return {
        criterion.code: [one for one in fitting if one.criterion_code in ("", criterion.code)][
            :FOR_EACH
        ]
        for criterion in criteria
    }


def bank_of(user: User, *, words: str = "", whose: str = "") -> PreparedQuerySet:
    """The person's bank, macrons and doubled vowels folded in the search. `whose` is mine, shared or all."""
    found = PreparedComment.objects.visible_to(user).kept()
    for word in search_key(words).split():
        found = found.filter(search_key__contains=word)
    if whose == "mine":
        found = found.filter(owner=user)
    elif whose == "shared":
        found = found.filter(is_shared=True)
    return found.select_related("owner", "micro_credential").order_by(
        "micro_credential__code", "criterion_code", "level_code", "-uses", "made_at"
    )


def micro_credentials_of(user: User) -> list[MicroCredential]:
    """Those whose work the person marks or leads now, for which they may keep texts."""
    parts = user.delivery_roles.current().filter(role__in=SHARES_BANK)
    deliveries = Delivery.objects.filter(pk__in=parts.values("delivery_id"))
    keys = deliveries.values("version__micro_credential_id")
    return list(MicroCredential.objects.filter(pk__in=keys).order_by("code"))


def choices_for(
    micro_credentials: Sequence[MicroCredential],
) -> tuple[list[tuple[str, list[tuple[str, str]]]], list[tuple[str, str]]]:
    """What a text can be for, grouped by micro-credential, and at which levels: choices for a form.

    A criterion that several versions have is offered once, with the title of the newest.
    """
    path = "rubric__task__version__micro_credential"
    rows = (
        Criterion.objects.filter(**{f"{path}__in": micro_credentials})
        .order_by("rubric__task__version__number", "number")
        .values_list(path, "code", "title")
    )
    titles: dict[object, dict[str, str]] = {}
    for key, code, title in rows:
        titles.setdefault(key, {})[code] = title
    fits = [
        (
            one.code,
            [(f"{one.pk}|", f"{one.code}: any criterion")]
            + [
                (f"{one.pk}|{code}", f"{one.code}: {code} {title}")
                for code, title in titles.get(one.pk, {}).items()
            ],
        )
        for one in micro_credentials
    ]
    levels = Level.objects.filter(**{f"criterion__{path}__in": micro_credentials}).order_by("rank")
    return fits, list(dict(levels.values_list("code", "label")).items())
