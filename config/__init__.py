"""Wiring: settings, URLs, Celery. The Celery app is imported so that every process knows the broker."""

import os

# Before anything loads numpy. Web and workers are processes already; threads of the linear algebra inside each
# would only wait for each other: the severity model took seven times the CPU with two of them.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from config.celery import app as celery_app

__all__ = ["celery_app"]
