#!/bin/bash
set -euo pipefail
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  initdb --encoding UTF8 --username postgres --pwfile <(printf '%s' "$POSTGRES_PASSWORD") --auth-local trust --auth-host scram-sha-256 >/dev/null
  echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
  pg_ctl --wait --options "-c listen_addresses=''" start >/dev/null
  for script in /docker-entrypoint-initdb.d/*.sh; do bash "$script"; done
  pg_ctl --wait --mode fast stop >/dev/null
fi
exec postgres -c "listen_addresses=*"
