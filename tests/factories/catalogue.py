"""A small published micro-credential, reached by the real steps."""

from accounts.enums import OrganisationRole
from accounts.models import Membership, Organisation, User
from catalogue.models import (
    AssessmentTask,
    Criterion,
    Grade,
    GradeScheme,
    LearningOutcome,
    Level,
    MicroCredential,
    MicroCredentialVersion,
    Rubric,
)
from catalogue.transitions import DRAFT_VERSION
from workflows.transitions import begin, perform

LEVELS = [
    ("NY", "Not yet", False, 30),
    ("M", "Met", True, 60),
    ("G", "Met well", True, 75),
    ("E", "Met with excellence", True, 95),
]


def grade_scheme() -> GradeScheme:
    """Achieved or not."""
    scheme, made = GradeScheme.objects.get_or_create(
        code="achieved", defaults={"name": "Achieved or not", "kind": "competency"}
    )
    if made:
        Grade.objects.bulk_create(
            [
                Grade(scheme=scheme, code="N", label="Not achieved", rank=0, is_pass=False),
                Grade(scheme=scheme, code="A", label="Achieved", rank=1, is_pass=True),
            ]
        )
    return scheme


def draft_version(
    provider: Organisation,
    code: str = "access",
    criteria: int = 3,
    attestations: int = 0,
    **of_task: object,
) -> MicroCredentialVersion:
    """Version 1 in draft: two outcomes, one task, `criteria` criteria of four levels, the last optional."""
    author = User.objects.create_user(f"author-{code}@example.org", name="Arthur Author")
    Membership.objects.create(user=author, organisation=provider, role=OrganisationRole.AUTHOR)
    credential = MicroCredential.objects.create(code=code, provider=provider)
    version = begin(
        DRAFT_VERSION,
        parent=credential,
        actor=author,
        build=lambda: MicroCredentialVersion(
            micro_credential=credential,
            number=1,
            title="Accessible documents",
            credits=5,
            level=6,
            purpose="People make documents that everybody can read.",
            delivery_modes=["online_live"],
            grade_scheme=grade_scheme(),
            definition_hash="0" * 64,
            author=author,
        ),
    )
    outcomes = LearningOutcome.objects.bulk_create(
        [LearningOutcome(version=version, number=n, title=f"Outcome {n}") for n in (1, 2)]
    )
    task = AssessmentTask.objects.create(
        version=version,
        number=1,
        title="Workplace portfolio",
        brief="Show what you did at work.",
        attestations_required=attestations,
        **of_task,
    )
    rubric = Rubric.objects.create(task=task, content_hash="1" * 64)
    made = Criterion.objects.bulk_create(
        [
            Criterion(
                rubric=rubric,
                outcome=outcomes[number % 2],
                number=number,
                code=f"C{number}",
                title=f"Criterion {number}",
                is_required=number < criteria or criteria == 1,
            )
            for number in range(1, criteria + 1)
        ]
    )
    Level.objects.bulk_create(
        [
            Level(
                criterion=criterion,
                rank=rank,
                code=level,
                label=label,
                descriptor=f"{label} for criterion {criterion.number}.",
                is_met=met,
                percent=percent,
            )
            for criterion in made
            for rank, (level, label, met, percent) in enumerate(LEVELS)
        ]
    )
    return version


def published_version(
    provider: Organisation,
    code: str = "access",
    criteria: int = 3,
    attestations: int = 0,
    **of_task: object,
) -> MicroCredentialVersion:
    """The same, sent to pre-assessment moderation, approved by somebody else, and published."""
    version = draft_version(provider, code, criteria, attestations, **of_task)
    checker = User.objects.create_user(f"checker-{code}@example.org", name="Petronella Checker")
    publisher = User.objects.create_user(f"publisher-{code}@example.org", name="Paul Publisher")
    for user, role in (
        (checker, OrganisationRole.PRE_MODERATOR),
        (publisher, OrganisationRole.ADMINISTRATOR),
    ):
        Membership.objects.create(user=user, organisation=provider, role=role)
    perform(version, "send_to_pre_moderation", actor=version.author)
    perform(version, "approve", actor=checker)
    return perform(version, "publish", actor=publisher)
