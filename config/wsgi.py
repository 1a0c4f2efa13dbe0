"""WSGI entry point. Refuses to start unsafely: gunicorn ends when this module cannot be loaded.

gunicorn loads it once and forks its workers from there (--preload), so that they share the memory of what
was loaded.
"""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.db import connections

from config.checks import refuse_unsafe

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")
application = get_wsgi_application()
refuse_unsafe()
# A connection that two workers share would mix their answers; a pool's threads do not survive a fork.
for connection in connections.all(initialized_only=True):
    connection.close()
    if hasattr(connection, "close_pool"):
        connection.close_pool()
# The collector writes into what it looks at, and pages that were written to are shared no more.
gc.collect()
gc.freeze()
