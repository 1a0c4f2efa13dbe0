"""Who plays in the demonstration. Names are made up."""

from dataclasses import dataclass

from accounts.enums import OrganisationKind, OrganisationRole
from accounts.models import Membership, Organisation, User

DOMAIN = "demo.moderato.example"
PASSWORD = "moderato demo 2026"  # noqa: S105  printed on the first screen of every demonstration

# short name → full name, what the person is
STAFF = {
    "ada": ("Ada Fairweather", "Assessor"),
    "abe": ("Abe Lindqvist", "Assessor"),
    "nadia": ("Nadia Okonjo", "New assessor"),
    "moses": ("Moses Taufa", "Moderator"),
    "lea": ("Lea Hartmann", "Lead moderator"),
    "ed": ("Ed Sinclair", "External moderator"),
    "xanthe": ("Xanthe Ruatapu", "Moderator from outside"),
    "pam": ("Pam Whaanga", "Programme administrator"),
    "rita": ("Rita Kowalski", "Ratifier"),
    "rob": ("Rob McAllister", "Ratifier"),
    "arthur": ("Arthur Bellamy", "Author"),
    "petra": ("Petra Ngāmotu", "Pre-assessment moderator"),
}
LEARNERS = {
    "lena": "Lena Tūhoe",
    "hone": "Hōne Parata",
    "mere": "Mere Ngata",
    "tama": "Tama Rāwiri",
    "sofia": "Sofia Marino",
    "james": "James O’Connor",
    "aroha": "Aroha Pōtiki",
    "li": "Li Wen",
    "nia": "Nia Faleolo",
    "oscar": "Oscar Jensen",
    "kiri": "Kiri Waaka",
    "tomas": "Tomás Rivera",
}
GRADUATES = {
    "hine": "Hine Te Rangi",
    "ravi": "Ravi Menon",
    "greta": "Greta Lindholm",
    "manu": "Manu Ihaka",
    "yuki": "Yuki Tanabe",
    "peter": "Peter van Dam",
    "sina": "Sina Leota",
    "omar": "Omar Haddad",
    "claire": "Claire Beaumont",
    "wiremu": "Wiremu Kōpua",
    "eva": "Eva Novák",
    "joe": "Joe Tapsell",
    "amir": "Amir Karimi",
    "marama": "Mārama Hetet",
    "siobhan": "Siobhán Kelly",
    "rewi": "Rewi Ōtene",
    "lucia": "Lucía Ferrer",
    "tevita": "Tēvita Fonua",
    "anja": "Anja Vogel",
    "huia": "Huia Maxwell",
}
"""Learners of an earlier cohort, who have their results."""
EVERYBODY = LEARNERS | GRADUATES
MINISTRIES = [
    ("ministry-of-services", "Ministry of Everyday Services"),
    ("ministry-of-records", "Ministry of Public Records"),
]
BY_MEMBERSHIP = {
    "pam": OrganisationRole.ADMINISTRATOR,
    "arthur": OrganisationRole.AUTHOR,
    "petra": OrganisationRole.PRE_MODERATOR,
}


@dataclass
class Cast:
    """Everybody by short name, and the organisations."""

    provider: Organisation
    ministries: list[Organisation]
    users: dict[str, User]

    def __getitem__(self, name: str) -> User:
        return self.users[name]


def make_people() -> Cast:
    """Organisations and accounts, all with the shared password."""
    provider = Organisation.objects.create(
        code="te-puna-ako",
        name="Te Puna Ako Professional Development",
        kind=OrganisationKind.PROVIDER,
        email_domain=DOMAIN,
    )
    ministries = [
        Organisation.objects.create(code=code, name=name, kind=OrganisationKind.CLIENT)
        for code, name in MINISTRIES
    ]
    # Hashed once: it is the same for all, and no secret.
    first = User(email="", name="")
    first.set_password(PASSWORD)
    names = {name: full for name, (full, _part) in STAFF.items()} | EVERYBODY
    users = {}
    for name, full in names.items():
        users[name] = User(email=f"{name}@{DOMAIN}", name=full, password=first.password)
        users[name].save()
    for name, role in BY_MEMBERSHIP.items():
        Membership.objects.create(user=users[name], organisation=provider, role=role)
    for number, name in enumerate(EVERYBODY):
        Membership.objects.create(
            user=users[name],
            organisation=ministries[number % 2],
            role=OrganisationRole.EMPLOYEE,
        )
    return Cast(provider, ministries, users)


def demo_accounts() -> list[tuple[str, str, str]]:
    """Address, name and part of everybody worth signing in as; the password is PASSWORD for all."""
    learners = ("mere", "lena", "hone", "tama", "hine", "greta")
    shown = [(f"{name}@{DOMAIN}", EVERYBODY[name], "Learner") for name in learners]
    return shown + [(f"{name}@{DOMAIN}", full, part) for name, (full, part) in STAFF.items()]
