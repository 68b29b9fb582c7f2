#!/usr/bin/env bash
# Run by the image of PostgreSQL when its volume is new: a role and its databases for Airflow, and for the jobs.
set -euo pipefail

database() { # ROLE PASSWORD DATABASE...
  local role=$1 password=$2 name
  shift 2
  psql --no-psqlrc --set ON_ERROR_STOP=1 --username postgres --set role="$role" --set password="$password" <<'SQL'
CREATE ROLE :"role" LOGIN PASSWORD :'password';
SQL
  for name in "$@"; do
    psql --no-psqlrc --set ON_ERROR_STOP=1 --username postgres --set role="$role" --set name="$name" <<'SQL'
CREATE DATABASE :"name" OWNER :"role" ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
  done
}

database airflow "$AIRFLOW_DB_PASSWORD" airflow
database radiant "$RADIANT_DB_PASSWORD" radiant iceberg
