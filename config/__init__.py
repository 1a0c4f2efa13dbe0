"""Wiring: settings, URLs, Celery, which `ConfigConfig.ready` loads: not every process wakes workers."""

import os

# Before anything loads numpy. Web and workers are processes already; threads of the linear algebra inside each
# would only wait for each other: the severity model took seven times the CPU with two of them.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
