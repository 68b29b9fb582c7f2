# Airflow with radiant's operators and DAGs: for deploy/compose, for Airflow's Helm chart, for any Airflow in containers.
# Build it with `make build-docker-airflow`. No worker in it: no VCF reader, no Iceberg, no pyarrow.
#
# The base is Airflow's own image in its small form. Any image serves that has its user (airflow, group 0), its folders
# and a Python environment in which this user may install.
ARG AIRFLOW_IMAGE=docker.io/apache/airflow:slim-3.3.2-python3.12

FROM ${AIRFLOW_IMAGE}
USER airflow
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_COMPILE=1
COPY --chown=airflow:0 requirements/airflow.txt /tmp/radiant/requirements/
# The lock has Airflow too: a package that the base has in this version stays as it is. The secret names the package index
# if it is not the public one; it is in no layer.
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf,mode=0444 \
    python3 -m pip install --quiet --no-deps --require-hashes -r /tmp/radiant/requirements/airflow.txt
COPY --chown=airflow:0 pyproject.toml README.md LICENSE /tmp/radiant/
COPY --chown=airflow:0 src /tmp/radiant/src
COPY --chown=airflow:0 deploy/ecs/template.yaml /tmp/radiant/deploy/ecs/
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf,mode=0444 \
    python3 -m pip install --quiet --no-deps /tmp/radiant && rm -rf /tmp/radiant/*
COPY docker/airflow-health /usr/local/bin/airflow-health
COPY --chown=airflow:0 dags /opt/airflow/dags
# As a check: every DAG file is read, for each backend.
RUN mkdir -p /opt/airflow/logs && chmod g=u /opt/airflow/logs \
 && for backend in local kubernetes ecs; do \
      RADIANT_BACKEND=$backend python3 -W ignore -c 'import runpy, sys; [runpy.run_path(file) for file in sys.argv[1:]]' \
        /opt/airflow/dags/*.py || exit 1; \
    done && rm -rf /opt/airflow/logs/* /opt/airflow/airflow.cfg /opt/airflow/airflow.db /tmp/*
# Last: they differ with each commit, and the layers above stay.
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="radiant-airflow" \
      org.opencontainers.image.description="Airflow with the operators and DAGs of radiant" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
