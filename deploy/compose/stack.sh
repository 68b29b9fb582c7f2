#!/usr/bin/env bash
# Airflow in containers beside minikube: `make up`, `make connect`, `make logs`, `make down`. See docs/airflow-in-docker.md.
#
#   stack.sh up        builds the image of Airflow, writes passwords and keys to .env once, starts everything, waits
#   stack.sh connect   the stack and the cluster: namespace, what jobs get, Airflow's connection, then `radiant setup`
#   stack.sh logs      follows the logs; `stack.sh logs scheduler` those of one part
#   stack.sh down      ends it; the volumes stay. `stack.sh down --volumes` removes them, with all cases and tables
#
#   CONTAINER_TOOL=docker|podman   COMPOSE="docker compose"   the programs
#   KUBE_CONTEXT                   context of the kubeconfig (default minikube)
#   PODS_HOST                      name or address by which pods reach this machine (default host.minikube.internal)
#   PODS_BIND                      the same as an address of this machine, where minikube is not in its Docker (kvm2, kind)
#   RADIANT_KUBERNETES__NAMESPACE  namespace of the jobs (default radiant)
#   BASE                           image that Airflow's image starts from (default: see docker/airflow.Dockerfile)
# Values of .env change ports, images and more: each ${NAME:-default} of compose.yaml is one.
set -euo pipefail
cd "$(dirname "$0")/../.."

tool=${CONTAINER_TOOL:-docker}
read -ra compose <<<"${COMPOSE:-$tool compose}"
folder=deploy/compose
secrets=$folder/.env
home=$PWD/.radiant/docker
context=${KUBE_CONTEXT:-minikube}
radiant=.venv/bin/radiant

step() { printf '\n== %s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }
need() { command -v "$1" >/dev/null || fail "$1 is not installed; see docs/airflow-in-docker.md"; }
# Not sourced: a value of the file is no program. A variable of the environment overrides it, as it does for compose.
value() { # NAME DEFAULT
  local found=${!1:-}
  [ -n "$found" ] || found=$(sed -n "s/^$1=//p" "$secrets" 2>/dev/null | tail -n 1)
  printf '%s' "${found:-${2:-}}"
}

make_secrets() { # once: PostgreSQL and Airflow keep what they were started with
  [ ! -e "$secrets" ] || return 0
  local name user
  user=$(id -u)
  (
    umask 077
    {
      echo "# Made by make up for this machine. Keep it: the volumes can be read with these passwords alone."
      for name in ADMIN_PASSWORD AIRFLOW_DB_PASSWORD API_SECRET_KEY JWT_SECRET POSTGRES_PASSWORD RADIANT_DB_PASSWORD \
        STORE_SECRET_KEY; do
        printf '%s=%s\n' "$name" "$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')"
      done
      printf 'FERNET_KEY=%s\n' "$(head -c 32 /dev/urandom | base64 | tr '+/' '-_')"
      # Root of this machine is no user for Airflow; the image's own serves.
      [ "$user" = 0 ] || printf 'AIRFLOW_UID=%s\n' "$user"
    } >"$secrets.new"
  )
  mv "$secrets.new" "$secrets"
  echo "passwords and keys are in $secrets"
}

# The gateway of minikube's network in Docker on Linux, else nothing: Docker Desktop has the ports and reaches the cluster.
minikube_gateway() {
  [ "$(uname -s)" = Linux ] || return 0
  "$tool" network inspect minikube --format '{{(index .IPAM.Config 0).Gateway}}' 2>/dev/null || true
}

run_compose() {
  local files=(--file "$folder/compose.yaml") bind gateway
  gateway=$(minikube_gateway)
  [ -z "$gateway" ] || files+=(--file "$folder/compose.minikube.yaml")
  bind=$(value PODS_BIND "$gateway")
  [ -z "$bind" ] || files+=(--file "$folder/compose.pods.yaml")
  PODS_BIND=$bind "${compose[@]}" --project-directory "$folder" --env-file "$secrets" "${files[@]}" "$@"
}

up() {
  need "$tool"
  "${compose[@]}" version >/dev/null 2>&1 || fail "${compose[*]} does not run; on Linux the package docker-compose-plugin has it"
  mkdir -p dkr_fs/.minikube # else Docker makes it, as root
  make_secrets
  step "image of Airflow"
  CONTAINER_TOOL=$tool IMAGE=$(value AIRFLOW_IMAGE localhost/radiant-airflow:compose) docker/build.sh airflow
  step "containers"
  run_compose up --detach --wait --wait-timeout 600 || {
    run_compose ps --all
    fail "not every part became healthy: make logs"
  }
  write_home
  echo "Airflow: http://localhost:$(value AIRFLOW_PORT 8080) user admin, password in $home/airflow/passwords.json"
  echo "Then: make connect"
}

# For `radiant` on this machine: a home folder in which it finds this Airflow, and what reaches its registry and tables.
write_home() {
  local database
  database=127.0.0.1:$(value POSTGRES_PORT 5432)
  (
    umask 077
    mkdir -p "$home/airflow"
    echo "http://localhost:$(value AIRFLOW_PORT 8080)" >"$home/airflow/url"
    printf '{"admin": "%s"}\n' "$(value ADMIN_PASSWORD)" >"$home/airflow/passwords.json"
    {
      printf '%s\n' "RADIANT_HOME=$home" \
        "RADIANT_BACKEND=$(value RADIANT_BACKEND kubernetes)" \
        "RADIANT_IMAGE=$(value RADIANT_IMAGE localhost/radiant-operator:minikube)" \
        "RADIANT_KUBERNETES__NAMESPACE=$(value RADIANT_KUBERNETES__NAMESPACE radiant)" \
        "RADIANT_KUBERNETES__PULL_POLICY=$(value RADIANT_KUBERNETES__PULL_POLICY Never)" \
        "RADIANT_KUBERNETES__SERVICE_ACCOUNT=radiant-worker" \
        "RADIANT_KUBERNETES__PRIORITY_CLASS=radiant-jobs" \
        "RADIANT_KUBERNETES__ENV_FROM=configmap/radiant-worker,secret/radiant-worker" \
        "AWS_ENDPOINT_URL=http://127.0.0.1:$(value STORE_PORT 8333)"
      for_jobs
      for_jobs_secret "$database"
    } | while IFS= read -r line; do printf '%s=%q\n' "${line%%=*}" "${line#*=}"; done >"$home/environment"
  )
}

for_jobs() {
  printf '%s\n' "RADIANT_WORK_URI=s3://radiant/work" "RADIANT_LAKE__WAREHOUSE=s3://radiant/warehouse" \
    "PYICEBERG_CATALOG__DEFAULT__TYPE=sql" "PYICEBERG_CATALOG__DEFAULT__WAREHOUSE=s3://radiant/warehouse" \
    "AWS_DEFAULT_REGION=us-east-1"
}

for_jobs_secret() { # DATABASE_HOST:PORT
  local login
  login=postgresql+psycopg://radiant:$(value RADIANT_DB_PASSWORD)@$1
  printf '%s\n' "AWS_ACCESS_KEY_ID=radiant" "AWS_SECRET_ACCESS_KEY=$(value STORE_SECRET_KEY)" \
    "RADIANT_REGISTRY__URL=$login/radiant" "PYICEBERG_CATALOG__DEFAULT__URI=$login/iceberg"
}

connect() {
  local namespace host pods kubectl
  namespace=$(value RADIANT_KUBERNETES__NAMESPACE radiant)
  pods=$(value PODS_HOST host.minikube.internal)
  kubectl=(kubectl --context "$context")
  need kubectl
  [ -e "$home/environment" ] || fail "the stack was never started: make up"
  "${kubectl[@]}" get --raw /readyz >/dev/null || fail "the cluster of context $context does not answer: make minikube"
  # minikube is newer than the stack: attach it to minikube's network.
  if [ -n "$(minikube_gateway)" ] && ! run_compose ps --format json scheduler | grep -q '"Networks":"[^"]*minikube'; then
    run_compose up --detach --wait --wait-timeout 600 >/dev/null
  fi

  step "namespace $namespace"
  "${kubectl[@]}" kustomize deploy/kubernetes/compose | sed -E "s/^( *name(space)?: )radiant\$/\1$namespace/" |
    "${kubectl[@]}" apply -f -
  for_jobs | sed "\$aAWS_ENDPOINT_URL=http://$pods:$(value STORE_PORT 8333)" |
    "${kubectl[@]}" --namespace "$namespace" create configmap radiant-worker --from-env-file /dev/stdin \
      --dry-run=client --output yaml | "${kubectl[@]}" apply -f -
  for_jobs_secret "$pods:$(value POSTGRES_PORT 5432)" |
    "${kubectl[@]}" --namespace "$namespace" create secret generic radiant-worker --from-env-file /dev/stdin \
      --dry-run=client --output yaml | "${kubectl[@]}" apply -f -

  step "connection kubernetes_conn"
  set -a
  # shellcheck source=/dev/null
  . "$home/environment"
  set +a
  # The server on this machine's own address is another one in a container.
  host=$("${kubectl[@]}" config view --minify --output 'jsonpath={.clusters[0].cluster.server}')
  case $host in
    https://127.* | https://localhost* | https://\[::1\]*) host=(--host host.docker.internal) ;;
    *) host=() ;;
  esac
  "${kubectl[@]}" --namespace "$namespace" create token radiant-airflow --duration 720h |
    "$radiant" kube connection --context "$context" --namespace "$namespace" --token-file - "${host[@]}" --apply "$@"
  step "setup"
  "$radiant" setup
  echo "For radiant on this machine: set -a; . $home/environment; set +a"
}

command=${1:-}
[ $# = 0 ] || shift
case $command in
  up) up ;;
  connect) connect "$@" ;;
  logs) run_compose logs --follow --tail 200 "$@" ;;
  down) run_compose down --remove-orphans "$@" ;;
  *) sed -n '2,18s/^# \{0,1\}//p' "$0"; exit 64 ;;
esac
