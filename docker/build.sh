#!/usr/bin/env bash
# Builds an image: `docker/build.sh operator` that of the jobs, into minikube's own Docker daemon when minikube runs;
# `docker/build.sh airflow` that of Airflow.
#
#   CONTAINER_TOOL=docker|podman|buildah   the tool that builds it (default docker)
#   IMAGE=radiant-operator:TAG             its name (default: the version of pyproject.toml)
#   BASE=IMAGE                             the image it starts from (default: that of docker/bases.env)
#   PUSH=1                                 pushes it, with an SBOM and its provenance (docker alone; a release does)
set -euo pipefail
cd "$(dirname "$0")/.."

which=${1:-operator}
case $which in
  operator) argument=PYTHON_IMAGE ;;
  airflow) argument=AIRFLOW_IMAGE ;;
  *) echo "error: docker/build.sh $which: it must be operator or airflow" >&2; exit 1 ;;
esac
tool=${CONTAINER_TOOL:-docker}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
image=${IMAGE:-radiant-$which:$version}
revision=$(git describe --always --dirty --abbrev=40 --exclude '*' 2>/dev/null || echo unknown)

command -v "$tool" >/dev/null || {
  echo "error: $tool is not installed; install it, or choose another: CONTAINER_TOOL=podman" >&2
  exit 1
}
case $tool in
  docker)
    if [ "$which" = operator ] && command -v minikube >/dev/null && minikube status >/dev/null 2>&1; then
      environment=$(minikube docker-env --shell bash)
      eval "$environment"
      echo "building into minikube's Docker"
    fi
    # The Dockerfile uses mounts, which need BuildKit; some versions of Docker still choose the old builder by default.
    export DOCKER_BUILDKIT=1
    build=(docker build) ;;
  podman) build=(podman build) ;;
  buildah) build=(buildah build --layers) ;;
  *) echo "error: CONTAINER_TOOL is '$tool'; it must be docker, podman or buildah" >&2; exit 1 ;;
esac

base=${BASE:-$(sed -n "s/^$argument=//p" docker/bases.env)}
if [ "${PUSH:-}" = 1 ]; then
  [ "$tool" = docker ] || { echo "error: PUSH=1 needs docker" >&2; exit 1; }
  build=(docker buildx build --push --sbom=true --provenance=mode=max)
fi

# The package index of this machine (a mirror, a registry with a login), for this build alone.
index=$(mktemp)
trap 'rm -f "$index"' EXIT
{
  echo '[global]'
  python3 -m pip config list 2>/dev/null |
    sed -nE "s/^(global|:env:)\.((extra-)?index-url|trusted-host)='(.*)'\$/\2 = \4/p" |
    grep -v 'file:' | awk -F ' = ' '{ value[$1] = $0 } END { for (name in value) print value[name] }' || true
} >"$index"

# Only if it is not empty: many builders cannot take a secret.
[ "$(wc -l <"$index")" -le 1 ] || build+=(--secret "id=pip.conf,src=$index")
"${build[@]}" --file "docker/$which.Dockerfile" --tag "$image" \
  --build-arg "$argument=$base" --build-arg "VERSION=$version" --build-arg "REVISION=$revision" .
if [ "$which" = operator ]; then echo "built $image; set RADIANT_IMAGE=$image"; else echo "built $image"; fi
