# syntax=docker/dockerfile:1
# The service as ECS runs it: no compiler, no root, nothing writable but /tmp.
ARG PYTHON_IMAGE=python:3.13-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/headwater
COPY requirements-service.lock ./
RUN /opt/headwater/bin/pip install --require-hashes -r requirements-service.lock
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY service ./service
COPY terraform/modules ./terraform/modules
COPY cfn_templates ./cfn_templates
RUN /opt/headwater/bin/pip install --no-deps .

FROM ${PYTHON_IMAGE}
RUN useradd --uid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin headwater
COPY --from=build /opt/headwater /opt/headwater
RUN install --directory --owner=10001 /var/lib/headwater
ENV PATH=/opt/headwater/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HEADWATER_HOME=/var/lib/headwater \
    HEADWATER_LOG_FORMAT=json
# Fargate gives a volume the owner of the folder it covers.
VOLUME ["/var/lib/headwater", "/tmp"]
USER 10001
WORKDIR /tmp
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s CMD ["headwater", "--version"]
ENTRYPOINT ["headwater"]
CMD ["run"]
