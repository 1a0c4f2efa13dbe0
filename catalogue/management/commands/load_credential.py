"""Load a micro-credential definition as a version in draft."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.enums import OrganisationKind
from accounts.models import Organisation, User
from catalogue.actions import load_definition
from catalogue.definitions import DefinitionError, parse
from catalogue.models import policy_defaults
from workflows.exceptions import NotPermitted


class Command(BaseCommand):
    """`manage.py load_credential FILE --author EMAIL`"""

    help = "Load a micro-credential from a definition file (docs/credential-definition.md)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--author", required=True, help="e-mail address of the author")
        parser.add_argument("--provider", help="code of the provider, if there is more than one")

    def handle(self, *args: Any, **options: Any) -> None:
        """Say what is wrong line by line, or what was made."""
        file: Path = options["file"]
        author = User.objects.filter(email=options["author"].lower(), is_active=True).first()
        if author is None:
            raise CommandError(f"Nobody has the address {options['author']}.")
        provider = self.provider(options["provider"])
        try:
            definition = parse(file.read_bytes(), policy_defaults=policy_defaults())
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
