"""Which roles a person has, which pages each role has, and which role they work as now."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.db.models import Count, QuerySet, Value
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject, cached_property

from accounts.enums import OrganisationRole
from accounts.models import User
from catalogue.enums import DeliveryRoleKind
from catalogue.models import DeliveryRole, Enrolment
from moderation.models import ExternalReview
from workflows.models import Notification
from workflows.querysets import Composed
from workflows.rules import may_manage_messages

SESSION_KEY = "role"


@dataclass(frozen=True)
class Role:
    """One way of working: its pages (at most five, home first), and the addresses at which it works.

    The first section is its own; in the others it is a guest of another role.
    """

    code: str
    label: str
    sections: tuple[str, ...]
    items: tuple[tuple[str, str], ...]

    @property
    def home(self) -> str:
        return self.items[0][1]

    def nearness(self, path: str) -> tuple[int, bool]:
        """How much of the address belongs to the role (0 for nothing), and whether it is at home there."""
        found = max((len(one) for one in self.sections if path.startswith(one)), default=0)
        return found, path.startswith(self.sections[0])


LEARNER = Role(
    "learner",
    "Learner",
    ("/learn/",),
    (
        ("Home", "portfolios:home"),
        ("Evidence", "portfolios:library"),
        ("Dates", "workflows:agenda"),
    ),
)
ASSESSOR = Role(
    "assessor",
    "Assessor",
    ("/assess/", "/assess/m/", "/manage/extensions/", "/moderate/meetings/"),
    (
        ("Home", "assessment:home"),
        ("Queue", "assessment:queue"),
        ("Calibration", "assessment:calibration"),
        ("Your agreement", "moderation:own_agreement"),
        ("Dates", "workflows:agenda"),
    ),
)
MODERATOR = Role(
    "moderator",
    "Moderator",
    ("/moderate/", "/assess/exemplars/"),
    (
        ("Home", "moderation:home"),
        ("Agreement", "moderation:agreement"),
        ("Your agreement", "moderation:own_agreement"),
        ("Exemplars", "assessment:exemplars"),
    ),
)
OUTSIDE = Role(
    "outside",
    "From outside",
    ("/moderate/external/",),
    (("Home", "moderation:external_home"),),
)
LEAD_MODERATOR = Role(
    "lead_moderator",
    "Lead moderator",
    (
        "/moderate/",
        "/ratify/",
        "/assess/allocate/",
        "/assess/exemplars/",
        "/assess/calibration/",
        "/assess/m/",
        "/manage/submissions/",
    ),
    (
        ("Home", "moderation:home"),
        ("Rounds", "moderation:rounds"),
        ("Agreement", "moderation:agreement"),
        ("Calibration", "assessment:calibration"),
        ("Sign-off", "awards:home"),
    ),
)
RATIFIER = Role(
    "ratifier",
    "Ratifier",
    ("/ratify/",),
    (("Home", "awards:home"),),
)
ADMINISTRATOR = Role(
    "administrator",
    "Programme administrator",
    ("/manage/", "/ratify/", "/assess/allocate/", "/assess/m/"),
    (
        ("Home", "catalogue:home"),
        ("Deliveries", "catalogue:deliveries"),
        ("Micro-credentials", "catalogue:micro_credentials"),
        ("Releases", "awards:releases"),
        ("Delivery of messages", "workflows:messages"),
    ),
)
AUTHOR = Role(
    "author",
    "Author",
    ("/manage/",),
    (
        ("Home", "catalogue:home"),
        ("Micro-credentials", "catalogue:micro_credentials"),
    ),
)

# Pages that not everybody in the role may open; the others are left out of the navigation.
ONLY_FOR = {"workflows:messages": may_manage_messages}

# Pages that lie below an item of the navigation without beginning with its address; each as a pattern.
BELOW = {
    "/evidence/": "portfolios:library",
    "/learn/p/[^/]+/evidence/": "portfolios:library",
    "/manage/versions/": "catalogue:micro_credentials",
    "/assess/m/": "assessment:queue",
    "/assess/offline/": "assessment:queue",
    "/assess/allocate/": "catalogue:deliveries",
    "/moderate/severity/": "moderation:agreement",
    "/moderate/fairness/": "moderation:agreement",
    "/moderate/seeds/": "assessment:calibration",
}

ROLES = (
    LEARNER,
    ASSESSOR,
    OUTSIDE,
    MODERATOR,
    LEAD_MODERATOR,
    RATIFIER,
    AUTHOR,
    ADMINISTRATOR,
)
BY_RELATION = {
    "learner": LEARNER,
    "outside": OUTSIDE,
    DeliveryRoleKind.ASSESSOR: ASSESSOR,
    DeliveryRoleKind.MODERATOR: MODERATOR,
    DeliveryRoleKind.EXTERNAL_MODERATOR: MODERATOR,
    DeliveryRoleKind.LEAD_MODERATOR: LEAD_MODERATOR,
    DeliveryRoleKind.RATIFIER: RATIFIER,
    DeliveryRoleKind.ADMINISTRATOR: ADMINISTRATOR,
    OrganisationRole.ADMINISTRATOR: ADMINISTRATOR,
    OrganisationRole.AUTHOR: AUTHOR,
    OrganisationRole.PRE_MODERATOR: AUTHOR,
}


UNREAD = "unread"
composed = Composed()


def relations_of(person: User) -> tuple[set[str], int]:
    """Words for a person's live relations, and the number of news they have not read: one statement a page."""

    def build(values: Sequence[Any]) -> QuerySet[Any, Any]:
        asked, now = User(pk=values[0]), values[1]
        members = asked.memberships.current(now).order_by()
        parts = DeliveryRole.objects.current(now).filter(user=asked).order_by()
        learning = Enrolment.objects.current(now).filter(learner=asked).order_by()
        outside = ExternalReview.objects.open_to(asked, now).order_by()
        unread = Notification.objects.visible_to(asked).unread().order_by()
        counted = unread.annotate(word=Value(UNREAD)).values("word").annotate(number=Count("pk"))
        return members.values_list("role", Value(0)).union(
            parts.values_list("role", Value(0)),
            learning.values_list(Value("learner"), Value(0)),
            outside.values_list(Value("outside"), Value(0)),
            counted.values_list("word", "number"),
        )

    rows = composed.rows("frame", build, [person.pk, timezone.now()], limit=1000)
    numbers = dict(rows)
    return {word for word, _number in rows if word != UNREAD}, int(numbers.get(UNREAD, 0))


def roles_of(person: User) -> list[Role]:
    """The roles that a person's live relations give, in the order of the table."""
    return roles_from(relations_of(person)[0])


def roles_from(relations: set[str]) -> list[Role]:
    held = {BY_RELATION[relation] for relation in relations if relation in BY_RELATION}
    return [role for role in ROLES if role in held]


def role_in_use(request: HttpRequest, held: list[Role]) -> Role | None:
    """A role that works at this address: the chosen one, else the nearest. Elsewhere the chosen, else the first.

    Of two that are as near, the later of the table has more to do there.
    """
    chosen = request.session.get(SESSION_KEY)
    by_choice = next((role for role in held if role.code == chosen), None)
    path = request.path
    here = [role for role in held if role.nearness(path)[0]]
    if here and by_choice not in here:
        return max(reversed(here), key=lambda role: role.nearness(path))
    return by_choice or (held[0] if held else None)


def address(name: str) -> str | None:
    try:
        return reverse(name)
    except NoReverseMatch:
        return None


class Frame:
    """What header and footer show. Nothing is read before a template asks for it."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @cached_property
    def person(self) -> User | None:
        user = getattr(self.request, "user", None)
        return cast("User", user) if user is not None and user.is_authenticated else None

    @cached_property
    def relations(self) -> tuple[set[str], int]:
        return relations_of(self.person) if self.person else (set(), 0)

    @cached_property
    def roles(self) -> list[Role]:
        return roles_from(self.relations[0])

    @cached_property
    def role(self) -> Role | None:
        return role_in_use(self.request, self.roles)

    @cached_property
    def navigation(self) -> list[dict[str, Any]]:
        """The pages of the role, the current one marked: "page" for itself, "true" for one below it."""
        if self.role is None or self.person is None:
            return []
        items = [
            {"label": label, "url": url}
            for label, name in self.role.items
            if (url := address(name)) and ONLY_FOR.get(name, bool)(self.person)
        ]
        path = self.request.path
        fits = [item["url"] for item in items if path.startswith(item["url"])]
        below = [address(name) for start, name in BELOW.items() if re.match(start, path)]
        nearest = max(fits, key=len, default=None)
        nearest = next((url for url in below if any(url == one["url"] for one in items)), nearest)
        return [
            item
            | {
                "current": ("page" if item["url"] == path else "true")
                if item["url"] == nearest
                else ""
            }
            for item in items
        ]

    @cached_property
    def messages_url(self) -> str | None:
        return address("workflows:inbox")

    @property
    def unread(self) -> int:
        """News not read yet."""
        return self.relations[1]


def frame_for(request: HttpRequest) -> Any:
    return SimpleLazyObject(lambda: Frame(request))
