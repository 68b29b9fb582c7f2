# Stands in for docker.io/apache/airflow:slim-*: its user, folders, environment for packages and entry point.
FROM docker.io/library/python:3.11-slim-bookworm
RUN useradd --uid 50000 --gid 0 --create-home --home-dir /home/airflow --shell /bin/bash airflow \
 && mkdir -p /opt/airflow/dags /opt/airflow/logs && python3 -m venv /home/airflow/.local \
 && printf '#!/bin/bash\ncase $1 in airflow | bash | python*) exec "$@" ;; *) exec airflow "$@" ;; esac\n' > /entrypoint \
 && chmod 755 /entrypoint && chown -R airflow:0 /opt/airflow /home/airflow && chmod -R g=u /opt/airflow /home/airflow
ENV PATH=/home/airflow/.local/bin:/usr/local/bin:/usr/bin:/bin AIRFLOW_HOME=/opt/airflow HOME=/home/airflow
WORKDIR /opt/airflow
USER 50000:0
ENTRYPOINT ["/entrypoint"]
