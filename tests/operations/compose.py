"""Reads docker-compose.yml as Compose would: anchors, merges and variables."""

import base64
import re
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?P<how>:\?|:-|-)?(?P<rest>[^}]*)\})")
SECRETS = {
    "SECRET_KEY": "kahu-7Qm2xV9tR4bN8wZ1yL6cD3fG5hJ0pKsAeUoIiTrEwQzXc",
    "AUDIT_SIGNING_KEY": base64.b64encode(bytes(range(32))).decode(),
    "SITE_HOST": "moderato.example",
    "EVIDENCE_HOST": "moderato-files.example",
    "CERTS_DIR": "./certs",
    "POSTGRES_PASSWORD": "postgres-of-the-test",
    "S3_ACCESS_KEY": "moderato-test-access",
    "S3_SECRET_KEY": "moderato-test-secret",
    "METRICS_TOKEN": "metrics-of-the-test",
}


class MissingVariableError(Exception):
    """A variable that must be set is not."""


def filled(value: Any, variables: dict[str, str]) -> Any:
    """The value with its variables filled in."""

    def one(match: re.Match[str]) -> str:
        if match["name"] is None:
            return "$"
        given = variables.get(match["name"])
        if given or (match["how"] == "-" and given is not None):
            return str(given)
        if match["how"] == ":?":
            raise MissingVariableError(match["rest"])
        return match["rest"] if match["how"] in {":-", "-"} else ""

    if isinstance(value, str):
        return VARIABLE.sub(one, value)
    if isinstance(value, dict):
        return {key: filled(part, variables) for key, part in value.items()}
    if isinstance(value, list):
        return [filled(part, variables) for part in value]
    return value


def raw() -> dict[str, Any]:
    """The file with anchors and merges resolved."""
    parsed: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return parsed


def services(variables: dict[str, str] | None = None) -> dict[str, Any]:
    """All services, filled in."""
    found: dict[str, Any] = filled(raw()["services"], SECRETS if variables is None else variables)
    return found


def settings_variables() -> set[str]:
    """Every environment variable that the product reads."""
    found: set[str] = set()
    for path in [*(ROOT / "config").rglob("*.py"), ROOT / "manage.py"]:
        text = path.read_text()
        found |= set(re.findall(r"\benv\.\w+\(\s*\"([A-Z0-9_]+)\"", text))
        found |= set(re.findall(r"environ(?:\.get|\.setdefault)?[\[(]\"([A-Z0-9_]+)\"", text))
    return found
