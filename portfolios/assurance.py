"""What the address and the way of answering say about who gave a confirmation. Pure; proves no identity."""

from portfolios.enums import AskedBy, Assurance

FREE_MAIL = frozenset(
    [
        "gmail.com",
        "googlemail.com",
        "outlook.com",
        "outlook.co.nz",
        "hotmail.com",
        "hotmail.co.nz",
        "live.com",
        "live.co.nz",
        "msn.com",
        "yahoo.com",
        "yahoo.co.nz",
        "ymail.com",
        "icloud.com",
        "me.com",
        "mac.com",
        "aol.com",
        "proton.me",
        "protonmail.com",
        "pm.me",
        "gmx.com",
        "gmx.net",
        "mail.com",
        "zoho.com",
        "fastmail.com",
        "tutanota.com",
        "hey.com",
        "xtra.co.nz",
        "slingshot.co.nz",
        "orcon.net.nz",
        "vodafone.co.nz",
        "inspire.net.nz",
        "actrix.co.nz",
        "paradise.net.nz",
        "clear.net.nz",
        "ihug.co.nz",
    ]
)
"""Domains in which anybody can open a mailbox, those of New Zealand's internet providers with them."""


def domain_of(address: str) -> str:
    """What stands after the last @, in lower case."""
    return address.strip().rpartition("@")[2].lower()


def is_within(domain: str, parent: str) -> bool:
    """Whether a domain is the parent or lies below it."""
    parent = parent.strip().lower().lstrip("@")
    return bool(parent) and (domain == parent or domain.endswith(f".{parent}"))


def level_of(
    *, way: str, on_learners_device: bool, address: str, employer_domain: str
) -> Assurance:
    """The level of an answer. A mailbox at the employer weighs most, the learner's own device least."""
    if on_learners_device:
        return Assurance.LEARNER_DEVICE
    if way == AskedBy.CODE:
        return Assurance.OTHER_DEVICE
    domain = domain_of(address)
    if domain in FREE_MAIL:
        return Assurance.FREE_EMAIL
    return Assurance.WORK_EMAIL if is_within(domain, employer_domain) else Assurance.EMAIL


def warnings_about(
    address: str, learner_address: str, employer_domain: str, *, own: str = "the learner’s own"
) -> list[str]:
    """What is worth knowing about a verifier's address, in sentences. `own`: what their reader calls the learner's."""
    domain = domain_of(address)
    if domain in FREE_MAIL:
        return ["This is a free e-mail address, which anybody can open. A work address says more."]
    if is_within(domain, employer_domain):
        return []
    found = []
    if domain == domain_of(learner_address):
        found.append(f"The address has the same domain as {own}, outside the employer.")
    if employer_domain:
        found.append(f"The address is not at the employer’s domain, {employer_domain}.")
    return found
