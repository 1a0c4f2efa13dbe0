"""Wiring: settings, URLs, Celery. The Celery app is imported so that every process knows the broker."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
