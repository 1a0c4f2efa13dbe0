# syntax=docker/dockerfile:1
# One image for web, uploads, workers, beat and migrations; docker-compose.yml says which command.

FROM python:3.13-slim AS packages
RUN python -m venv /venv
COPY requirements/base.txt /requirements.txt
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r /requirements.txt

# The browser's files need Node.js, which the running image does not.
FROM python:3.13-slim AS assets
WORKDIR /app
RUN python -m venv /venv
COPY requirements/run.txt /requirements.txt
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r /requirements.txt
COPY . .
ENV DEBUG=false MODERATO_DATA=/build
RUN mkdir /build && PATH="/venv/bin:$PATH" /venv/bin/python manage.py build_assets \
    && /venv/bin/python manage.py collectstatic --noinput

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /nonexistent moderato \
    && install -d -o moderato -g moderato -m 0700 /data
WORKDIR /app
COPY --from=packages /venv /venv
COPY . .
COPY --from=assets /build/static staticfiles
COPY --from=assets /app/static/build static/build
# No process writes compiled code later, and compiling at each start leaves some 10 MiB behind in it.
RUN python -m compileall -q .
ENV PATH="/venv/bin:$PATH" PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONTZPATH= \
    DJANGO_SETTINGS_MODULE=config.settings.production MODERATO_DATA=/data
USER moderato
VOLUME /data
EXPOSE 8000
CMD ["gunicorn", "config.wsgi:application", "--bind=0.0.0.0:8000", "--worker-class=gthread", \
     "--workers=3", "--threads=8", "--preload", "--worker-tmp-dir=/tmp", "--no-control-socket"]
