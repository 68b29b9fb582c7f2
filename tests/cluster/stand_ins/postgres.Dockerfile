# Stands in for docker.io/library/postgres: Debian's PostgreSQL behind the entry point's contract, as far as it is used:
# POSTGRES_PASSWORD, the scripts of /docker-entrypoint-initdb.d for a new volume, then the server on every address.
FROM docker.io/library/python:3.11-slim-bookworm
RUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null \
 && rm -rf /var/lib/apt/lists/* /var/lib/postgresql/15 && mkdir -p /var/lib/postgresql/data /var/run/postgresql \
 && chown -R postgres:postgres /var/lib/postgresql /var/run/postgresql
COPY postgres-entrypoint.sh /entrypoint.sh
ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/bin:/bin PGDATA=/var/lib/postgresql/data/pgdata
USER postgres
ENTRYPOINT ["/entrypoint.sh"]
