"""WSGI entry point. Refuses to start unsafely: gunicorn ends when this module cannot be loaded."""

import os

from django.core.wsgi import get_wsgi_application

from config.checks import refuse_unsafe

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")
application = get_wsgi_application()
refuse_unsafe()
