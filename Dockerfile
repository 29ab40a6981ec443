# syntax=docker/dockerfile:1
# The service as ECS runs it: no compiler, no root, nothing writable but /tmp and HEADWATER_HOME.
# The base is an argument: a release gives it with its digest, python:3.13-slim-bookworm@sha256:…
ARG PYTHON_IMAGE=python:3.13-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements-image.lock ./
RUN python -m venv /opt/tools \
    && /opt/tools/bin/pip install --require-hashes -r requirements-image.lock
COPY requirements-service.lock ./
# Without build isolation nothing is fetched that no lock names.
RUN /opt/tools/bin/pip wheel --require-hashes --no-build-isolation --wheel-dir /wheels -r requirements-service.lock
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY service ./service
COPY terraform/modules ./terraform/modules
COPY cfn_templates ./cfn_templates
# The environment that ships has no pip. Its list of parts (CycloneDX) asks what was installed, not what the lock says.
RUN python -m venv --without-pip /opt/headwater \
    && /opt/tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/tools/bin/pip --python /opt/headwater/bin/python install --no-index --find-links /wheels headwater \
    && /opt/tools/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
       --output-file /opt/headwater/sbom.cdx.json /opt/headwater/bin/python

FROM ${PYTHON_IMAGE}
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Headwater" \
      org.opencontainers.image.description="An open security-log service for all the AWS accounts a platform team runs" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/headwater-logs/headwater" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin headwater \
    && install --directory --owner=10001 --group=10001 --mode=0750 /var/lib/headwater
# Owned by root: the service cannot change its own code.
COPY --from=build --chown=0:0 /opt/headwater /opt/headwater
ENV PATH=/opt/headwater/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HEADWATER_HOME=/var/lib/headwater \
    HEADWATER_HTTP_PORT=8080 \
    HEADWATER_LOG_FORMAT=json
# Fargate gives a volume the owner of the folder it covers; with a read-only root these two stay writable.
VOLUME ["/var/lib/headwater", "/tmp"]
USER 10001:10001
WORKDIR /tmp
STOPSIGNAL SIGTERM
# Fails when the loop of a process has not turned for HEADWATER_STALLED_AFTER_S. ECS reads it from the task, not from here.
HEALTHCHECK --interval=60s --timeout=10s --start-period=60s --retries=3 CMD ["python", "-c", "import os, urllib.request as url; url.urlopen('http://127.0.0.1:' + os.environ['HEADWATER_HTTP_PORT'] + '/healthz', timeout=8)"]
ENTRYPOINT ["headwater"]
CMD ["run"]
