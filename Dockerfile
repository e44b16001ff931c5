# Build:  docker build --target runtime --tag registry-failover-bot .
# Run:    docker run --read-only --cap-drop ALL --env-file bot.env --volume ./registry.yaml:/etc/registry-bot/registry.yaml:ro …
# Demo:   docker build --target demo --tag registry-failover-demo . && docker run --rm --init --network host registry-failover-demo
#
# For a build that can be repeated to the byte, add the digest that you have checked:
# --build-arg PYTHON_IMAGE=python:3.12-slim-bookworm@sha256:…
ARG PYTHON_IMAGE=python:3.12-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/registry-bot
WORKDIR /src
COPY requirements.lock ./
RUN /opt/registry-bot/bin/pip install --require-hashes --no-deps --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY bot ./bot
COPY handlers ./handlers
RUN /opt/registry-bot/bin/pip wheel --no-deps --wheel-dir /dist . \
    && /opt/registry-bot/bin/pip install --no-deps --no-index /dist/*.whl

FROM build AS build-demo
COPY requirements-demo.lock ./
RUN /opt/registry-bot/bin/pip install --require-hashes --no-deps --requirement requirements-demo.lock

FROM ${PYTHON_IMAGE} AS base
ENV HOME=/tmp \
    PATH=/opt/registry-bot/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
STOPSIGNAL SIGTERM

# The simulator listens on loopback only, so the demo needs the host's network to be seen in a browser.
FROM base AS demo
COPY --from=build-demo /opt/registry-bot /opt/registry-bot
WORKDIR /srv/demo
COPY manifest.yml ./
COPY simulator ./simulator
USER 10001:10001
HEALTHCHECK NONE
CMD ["python", "-m", "simulator.demo"]

# Last, so that a build without --target makes the bot. Nothing is written at run time: works with a read-only root.
FROM base AS runtime
COPY --from=build /opt/registry-bot /opt/registry-bot
ENV REGISTRY_BOT_CONFIG=/etc/registry-bot/registry.yaml \
    REGISTRY_BOT_HTTP_HOST=0.0.0.0 \
    REGISTRY_BOT_HTTP_PORT=8080
USER 10001:10001
EXPOSE 8080 9090
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-I", "-c", "import http.client, os; probe = http.client.HTTPConnection('127.0.0.1', int(os.environ['REGISTRY_BOT_HTTP_PORT']), timeout=2); probe.request('GET', '/healthz'); raise SystemExit(probe.getresponse().status != 200)"]
ENTRYPOINT ["registry-bot"]
CMD ["run"]
