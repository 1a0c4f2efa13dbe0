"""A small app with a machine of its own, installed in tests only."""

from django.apps import AppConfig


class TestAppConfig(AppConfig):
    """Not part of the product: the generated documents leave it out."""

    name = "tests.testapp"
    label = "testapp"
    documented = False

    def ready(self) -> None:
        from tests.testapp import handlers  # noqa: F401
