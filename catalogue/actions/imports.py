"""Importing people into a delivery from a CSV file: read, show every problem, apply all or nothing."""

import csv
import io
import unicodedata
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from accounts.models import Organisation, User
from catalogue.actions.deliveries import lock_delivery
from catalogue.actions.people import LEARNER, assign_role, enrol, invite
from catalogue.enums import DeliveryRoleKind
from catalogue.exceptions import ImportRefused
from catalogue.models import Delivery
from catalogue.tables import FORMULA

REQUIRED = ("name", "email", "role")
COLUMNS = (*REQUIRED, "organisation", "site", "recognition")
ANSWERS = {"yes": True, "no": False, "": None}
"""What “recognition” may say; an empty cell leaves it as it is."""
SITE_LENGTH = 100
MAX_BYTES = 500_000
MAX_ROWS = 1000


@dataclass(frozen=True)
class RowProblem:
    """What is wrong in one row of the file; line 1 is the header."""

    line: int
    column: str
    message: str

    def __str__(self) -> str:
        where = f"Line {self.line}, {self.column}" if self.column else f"Line {self.line}"
        return f"{where}: {self.message}"


@dataclass
class PlannedPerson:
    """One row, and what applying it will do."""

    line: int
    name: str
    email: str
    role: str
    organisation: str
    site: str | None = None
    recognition: bool | None = None
    is_new_account: bool = False
    is_there_already: bool = False
    is_changed: bool = False

    @property
    def role_label(self) -> str:
        return "Learner" if self.role == LEARNER else str(DeliveryRoleKind(self.role).label)

    @property
    def effect(self) -> str:
        if self.is_changed:
            return "Site or recognition changes"
        if self.is_there_already:
            return "No change"
        return "New account and invitation" if self.is_new_account else "Added, account exists"


@dataclass
class PeoplePlan:
    """What a file says: everybody in it and everything that is wrong."""

    people: list[PlannedPerson] = field(default_factory=list)
    problems: list[RowProblem] = field(default_factory=list)

    def add(self, line: int, column: str, message: str) -> None:
        self.problems.append(RowProblem(line, column, message))

    @property
    def new_accounts(self) -> int:
        return len({one.email for one in self.people if one.is_new_account})

    @property
    def changes(self) -> int:
        return sum(not one.is_there_already or one.is_changed for one in self.people)


def read_people(content: bytes, *, delivery: Delivery) -> PeoplePlan:
    """Read a list and hold it against the delivery. Changes nothing."""
    plan = PeoplePlan()
    text = _decoded(content, plan)
    if text is None:
        return plan
    rows = _rows(text, plan)
    for line, row in rows:
        _read_row(line, row, plan)
    _hold_against(delivery, plan)
    plan.problems.sort(key=lambda problem: problem.line)
    return plan


@transaction.atomic
def import_people(content: bytes, *, delivery: Delivery, actor: User) -> PeoplePlan:
    """Apply a list of people: everybody or, with ImportRefused, nobody.

    New people get an account without a usable password and an invitation to set one; people who are in
    the delivery already stay as they are, but for a learner's site and recognition. Read anew under the lock,
    so that it does what it says even if somebody else changed the delivery since the preview.
    """
    locked = lock_delivery(delivery, actor)
    plan = read_people(content, delivery=locked)
    if not plan.problems and not plan.people:
        plan.add(1, "", "There is nobody in this list.")
    if plan.problems:
        raise ImportRefused(plan.problems)
    emails = {one.email for one in plan.people}
    known = {user.email: user for user in User.objects.filter(email__in=emails)}
    employers = {one.code: one for one in Organisation.objects.all()}
    for one in plan.people:
        if one.is_there_already and not one.is_changed:
            continue
        person = known.get(one.email)
        if person is None:
            person = invite(email=one.email, name=one.name, delivery=locked, actor=actor)
            known[one.email] = person
        if one.role == LEARNER:
            enrol(
                locked,
                person,
                actor=actor,
                employer=employers.get(one.organisation),
                site=one.site,
                recognition=one.recognition,
            )
        else:
            assign_role(locked, person, DeliveryRoleKind(one.role), actor=actor)
    return plan


def _decoded(content: bytes, plan: PeoplePlan) -> str | None:
    if len(content) > MAX_BYTES:
        plan.add(1, "", "The file is larger than 500 kB.")
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        plan.add(line, "", "The file is not UTF-8. Save it as “CSV UTF-8” and try again.")
        return None
    if "\0" in text:
        plan.add(1, "", "The file is not a text file.")
        return None
    if not text.strip():
        plan.add(1, "", "The file is empty.")
        return None
    return unicodedata.normalize("NFC", text)


def _rows(text: str, plan: PeoplePlan) -> list[tuple[int, dict[str, str]]]:
    """Rows by column name. Commas, semicolons and tabs separate; the header decides."""
    header = text.splitlines()[0]
    separator = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[tuple[int, dict[str, str]]] = []
    columns: list[str] = []
    try:
        for cells in reader:
            if not columns:
                columns = [cell.strip().casefold() for cell in cells]
                if _header_problems(columns, plan):
                    return []
                continue
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(columns):
                plan.add(
                    reader.line_num, "", f"Has {len(cells)} cells; the header has {len(columns)}."
                )
                continue
            if len(rows) == MAX_ROWS:
                plan.add(reader.line_num, "", f"A list may have {MAX_ROWS} people at most.")
                return rows
            row = dict(zip(columns, (cell.strip() for cell in cells), strict=True))
            rows.append((reader.line_num, row))
    except csv.Error as error:
        plan.add(reader.line_num, "", f"Cannot be read from here on: {error}.")
    return rows


def _header_problems(columns: list[str], plan: PeoplePlan) -> bool:
    before = len(plan.problems)
    for name in REQUIRED:
        if name not in columns:
            plan.add(1, name, "This column is missing.")
    for name in columns:
        if name not in COLUMNS:
            plan.add(1, name or "(no name)", f"Unknown column. Known are: {', '.join(COLUMNS)}.")
    if len(set(columns)) < len(columns):
        plan.add(1, "", "A column is there twice.")
    return len(plan.problems) > before


def _read_row(line: int, row: dict[str, str], plan: PeoplePlan) -> None:
    before = len(plan.problems)
    for column, value in row.items():
        if value.startswith(FORMULA):
            plan.add(line, column, "Begins like a spreadsheet formula.")
        elif any(unicodedata.category(sign) == "Cc" for sign in value):
            plan.add(line, column, "Has a line break or control character.")
    name, email = row["name"], row["email"].lower()
    role = row["role"].casefold().replace(" ", "_")
    if not name:
        plan.add(line, "name", "Enter a name.")
    elif len(name) > 200:
        plan.add(line, "name", "May have 200 characters at most.")
    try:
        validate_email(email)
    except ValidationError:
        plan.add(line, "email", "Enter an e-mail address, like name@example.org.")
    if role != LEARNER and role not in DeliveryRoleKind.values:
        known = ", ".join([LEARNER, *DeliveryRoleKind.values])
        plan.add(line, "role", f"Unknown role “{row['role']}”. Known are: {known}.")
    site, recognition = row.get("site", ""), row.get("recognition", "").casefold()
    if len(site) > SITE_LENGTH:
        plan.add(line, "site", f"May have {SITE_LENGTH} characters at most.")
    if recognition not in ANSWERS:
        plan.add(line, "recognition", "Write yes or no, or leave it empty.")
    for column, value in (("site", site), ("recognition", recognition)):
        if value and role != LEARNER:
            plan.add(line, column, "Is only for learners.")
    if len(plan.problems) == before:
        organisation = row.get("organisation", "")
        plan.people.append(
            PlannedPerson(line, name, email, role, organisation, site or None, ANSWERS[recognition])
        )


def _hold_against(delivery: Delivery, plan: PeoplePlan) -> None:
    """What depends on other rows and on what is in the database."""
    emails = {one.email for one in plan.people}
    users = {user.email: user for user in User.objects.filter(email__in=emails)}
    organisations = set(Organisation.objects.values_list("code", flat=True))
    learning = {
        email: (site, recognition)
        for email, site, recognition in delivery.enrolments.current().values_list(
            "learner__email", "site", "recognition"
        )
    }
    parts = set(delivery.roles.current().values_list("user__email", "role"))
    working = {email for email, _role in parts}
    seen: dict[str, set[str]] = {}
    names: dict[str, str] = {}
    for one in plan.people:
        user = users.get(one.email)
        one.is_new_account = user is None
        one.is_there_already = (
            one.email in learning if one.role == LEARNER else (one.email, one.role) in parts
        )
        if one.role == LEARNER and one.is_there_already:
            site, recognition = learning[one.email]
            one.is_changed = one.site not in (None, site) or one.recognition not in (
                None,
                recognition,
            )
        roles = seen.setdefault(one.email, set())
        if one.role in roles:
            plan.add(one.line, "email", f"{one.email} is in this list already with this role.")
        elif roles and (one.role == LEARNER or LEARNER in roles):
            plan.add(one.line, "role", "Nobody is learner and something else in one delivery.")
        roles.add(one.role)
        if names.setdefault(one.email, one.name) != one.name:
            plan.add(one.line, "name", f"{one.email} has another name further up.")
        if user is not None and not user.is_active:
            plan.add(one.line, "email", "This account is closed.")
        if one.role == LEARNER and one.email in working:
            plan.add(one.line, "role", "This person has another part in the delivery.")
        if one.role != LEARNER and one.email in learning:
            plan.add(one.line, "role", "This person is a learner of the delivery.")
        if one.organisation and one.organisation not in organisations:
            plan.add(one.line, "organisation", f"There is no organisation “{one.organisation}”.")
