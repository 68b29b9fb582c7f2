# The image that every job runs in, on Kubernetes and on ECS: `radiant-worker` and its packages. No Airflow, no compiler,
# no pip, no root. Build it with `make build-docker-k8s-operator`.
#
# Runs with a read-only root filesystem: temporary files go to TMPDIR, which the pod or the task mounts at /scratch.
ARG PYTHON_IMAGE=docker.io/library/python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_COMPILE=1
RUN python3 -m venv --without-pip /opt/radiant
COPY requirements/worker.txt /src/requirements/
# The secret names the package index if it is not the public one; it is in no layer.
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    python3 -m pip --python /opt/radiant/bin/python install --quiet --no-deps --require-hashes -r /src/requirements/worker.txt
COPY pyproject.toml README.md LICENSE /src/
COPY src /src/src
COPY deploy/ecs/template.yaml /src/deploy/ecs/
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    python3 -m pip --python /opt/radiant/bin/python install --quiet --no-deps /src
# Remove files that no job opens: tests, headers, Flight, type stubs, and botocore's descriptions of other services.
# (libarrow_substrait stays: pyarrow's core is linked to it.) Then import every module that a job imports, as a check.
RUN cd /opt/radiant/lib/python3*/site-packages \
 && rm -rf pyarrow/include pyarrow/tests pyarrow/src pyarrow/libarrow_flight* pyarrow/libarrow_python_flight* pyarrow/_flight* \
           numpy/*/tests numpy/tests numpy/*/include pysam/include \
 && find . \( -name '*.pyx' -o -name '*.pxd' -o -name '*.pxi' -o -name '*.pyi' \) -delete \
 && find botocore/data -mindepth 1 -maxdepth 1 -type d \
      ! -name s3 ! -name sts ! -name sso ! -name sso-oidc ! -name glue ! -name signin -exec rm -rf {} + \
 && python3 -m compileall -q -j 0 /opt/radiant/lib \
 && /opt/radiant/bin/python -c 'import importlib; from radiant.worker.main import HANDLERS; \
      [importlib.import_module(name) for name in (*HANDLERS.values(), "s3fs", "psycopg", "pyarrow.fs", "pyarrow.parquet", \
      "pyiceberg.catalog.sql", "pyiceberg.catalog.rest", "pyiceberg.catalog.glue", "pyiceberg.io.pyarrow", "pyiceberg.io.fsspec")]'

FROM ${PYTHON_IMAGE}
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="radiant-operator" \
      org.opencontainers.image.description="The jobs of radiant: radiant-worker <job> --request URI --result URI" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/radiant /opt/radiant
RUN mkdir -m 1777 /scratch
ENV PATH=/opt/radiant/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/scratch \
    TMPDIR=/scratch
WORKDIR /scratch
USER 10001:10001
CMD ["radiant-worker", "--help"]
