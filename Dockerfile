# The image of workers and tools: everything pinned with hashes; at run time Python, and Pango with a
# font, which lay out the pages of the weekly export.
FROM python:3.13.9-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/kontaktpuls
ENV PATH=/opt/kontaktpuls/bin:$PATH
COPY requirements/runtime.lock /build/requirements/
RUN pip install --require-hashes --requirement /build/requirements/runtime.lock
COPY pyproject.toml README.md LICENSE /build/
COPY agents /build/agents
COPY streams /build/streams
RUN pip install --no-deps --no-build-isolation /build \
    && pip uninstall --yes pip setuptools

FROM python:3.13.9-slim-bookworm

RUN apt-get update --quiet \
    && apt-get install --quiet --yes --no-install-recommends \
        fonts-dejavu-core fonts-liberation libharfbuzz-subset0 libpango-1.0-0 libpangoft2-1.0-0 \
    && rm -rf /var/lib/apt/lists/*
# A volume that is mounted over an empty folder belongs to whom the folder did.
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin kontaktpuls \
    && install --directory --owner=10001 /var/lib/kontaktpuls/exports
COPY --from=build /opt/kontaktpuls /opt/kontaktpuls
COPY config /app/config
ENV PATH=/opt/kontaktpuls/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /app
USER 10001
ENTRYPOINT ["kontaktpuls"]
CMD ["worker"]
