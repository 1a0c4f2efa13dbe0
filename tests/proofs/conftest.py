"""The world of the proofs that ask many questions of one database."""

from tests.permissions.conftest import world  # noqa: F401
