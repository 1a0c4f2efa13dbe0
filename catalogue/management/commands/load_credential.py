"""Load a micro-credential definition as a version in draft."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.enums import OrganisationKind, OrganisationRole
from accounts.models import Membership, Organisation, User
from catalogue.actions import load_definition
from catalogue.definitions import DefinitionError, parse
from catalogue.models import policy_defaults
from workflows.exceptions import NotPermitted


class Command(BaseCommand):
    """`manage.py load_credential FILE`: without --author it is the provider's only author."""

    help = "Load a micro-credential from a definition file (docs/credential-definition.md)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--author", help="e-mail address of the author, if the provider has more than one"
        )
        parser.add_argument("--provider", help="code of the provider, if there is more than one")

    def handle(self, *args: Any, **options: Any) -> None:
        """Say what is wrong line by line, or what was made."""
        file: Path = options["file"]
        author: User | None = None
        try:
            definition = parse(file.read_bytes(), policy_defaults=policy_defaults())
            provider = self.provider(options["provider"])
            author = self.author(options["author"], provider)
            outcome = load_definition(definition, provider=provider, actor=author)
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}.") from error
        except DefinitionError as error:
            lines = "\n".join(f"{file}: {problem}" for problem in error.problems)
            raise CommandError(f"{lines}\nNothing was loaded.") from error
        except NotPermitted as error:
            message = f"{author} is neither author nor administrator of {provider}."
            raise CommandError(message) from error
        for warning in definition.warnings:
            self.stderr.write(f"{file}: {warning}")
        if outcome.created:
            self.stdout.write(f"Loaded {outcome.version} in draft.")
        else:
            self.stdout.write(f"No change: {outcome.version} has this content already.")

    def provider(self, code: str | None) -> Organisation:
        found = Organisation.objects.filter(kind=OrganisationKind.PROVIDER)
        if code:
            found = found.filter(code=code)
        if (number := found.count()) != 1:
            hint = "Name one with --provider." if number else "There is no such provider."
            raise CommandError(f"{number} providers fit. {hint}")
        return found.get()

    def author(self, email: str | None, provider: Organisation) -> User:
        """Who is named, else the only author that the provider has."""
        people = User.objects.filter(is_active=True)
        if email:
            found = people.filter(email=email.lower()).first()
            if found is None:
                raise CommandError(f"Nobody has the address {email}.")
            return found
        members = Membership.objects.current().filter(
            organisation=provider, role=OrganisationRole.AUTHOR
        )
        authors = list(people.filter(pk__in=members.values("user")).order_by("email"))
        if len(authors) != 1:
            names = ", ".join(one.email for one in authors) or "nobody yet"
            raise CommandError(f"Name the author with --author. Authors of {provider}: {names}.")
        return authors[0]
