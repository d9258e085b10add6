FROM python:3.12-slim AS builder
ENV PIP_CACHE_DIR=/var/cache/pip \
    PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY ingest ingest
COPY rules rules
COPY alerts alerts
COPY pipeline pipeline
COPY config config
RUN --mount=type=cache,target=/var/cache/pip \
    python -m pip wheel --no-deps --wheel-dir /wheels .
RUN --mount=type=cache,target=/var/cache/pip \
    python -m venv /opt/venv \
    && /opt/venv/bin/python -m pip install --compile "$(echo /wheels/fengsui-*.whl)[postgresql]"

FROM python:3.12-slim
LABEL org.opencontainers.image.title="fengsui" \
      org.opencontainers.image.description="Climate-hazard early warning: the right call to the right duty officer" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=builder /opt/venv /opt/venv
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin fengsui \
    && install --directory --owner fengsui --mode 0750 /data
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    FENGSUI_DATA=/data
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8480
HEALTHCHECK --interval=60s --timeout=10s --start-period=60s --retries=3 CMD ["fengsui", "health"]
ENTRYPOINT ["fengsui"]
CMD ["run", "--listen", "0.0.0.0:8480"]
