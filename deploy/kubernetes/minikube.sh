#!/usr/bin/env bash
# From nothing to a green POC-ecs-k8s-operators on minikube: cluster, image, namespace, connection, run.
# `make minikube` calls it. It may be repeated; existing parts are used.
#
#   MINIKUBE_ARGS="--cpus 4 --memory 8g"   more arguments for `minikube start`
#   CONTAINER_TOOL=docker|podman|buildah   the tool that builds the image (docker builds inside minikube)
#   RADIANT_HOME                           folder of Airflow and of the documents (default .radiant)
#   RADIANT_KUBERNETES__NAMESPACE          default radiant
#   POC_ARGS=--keep                        more arguments for `radiant poc`
#
# Writes <home>/minikube.env, which points Airflow to this cluster: set -a; . .radiant/minikube.env; set +a
set -euo pipefail
cd "$(dirname "$0")/../.."

namespace=${RADIANT_KUBERNETES__NAMESPACE:-radiant}
home=${RADIANT_HOME:-$PWD/.radiant}
image=${RADIANT_IMAGE:-localhost/radiant-operator:minikube}
context=${MINIKUBE_PROFILE:-minikube}
radiant=.venv/bin/radiant
work=$home/work
kubectl=(kubectl --context "$context")

step() { printf '\n== %s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

[ "$(id -u)" != 0 ] || fail "run this as yourself, not as root: the jobs' pods get your user id, and never run as root"
for program in kubectl minikube "${CONTAINER_TOOL:-docker}"; do
  command -v "$program" >/dev/null || fail "$program is not installed; see docs/kubernetes.md"
done

# Airflow and the pods exchange two small documents for each job: here through a folder that both see at the same path.
mkdir -p "$home"
chmod 700 "$home"
mkdir -p "$work"

step "cluster"
if minikube status >/dev/null 2>&1; then
  echo "minikube runs already"
else
  # shellcheck disable=SC2086 # several arguments in one variable, on purpose
  minikube start --mount --mount-string "$work:$work" --mount-uid "$(id -u)" --mount-gid "$(id -g)" ${MINIKUBE_ARGS:-}
fi
minikube ssh -- test -w "$work" ||
  fail "minikube does not see $work: it was started without it. Either 'minikube delete' and run this again, or leave
'minikube mount $work:$work --uid $(id -u) --gid $(id -g)' running in another terminal"

step "image $image"
CONTAINER_TOOL=${CONTAINER_TOOL:-docker} IMAGE=$image docker/build.sh
if [ "${CONTAINER_TOOL:-docker}" != docker ]; then
  archive=$(mktemp -d)
  trap 'rm -rf "$archive"' EXIT
  case $CONTAINER_TOOL in
    podman) podman save --quiet --output "$archive/image.tar" "$image" ;;
    buildah) buildah push --quiet "$image" "docker-archive:$archive/image.tar:$image" ;;
  esac
  minikube image load "$archive/image.tar"
fi

step "namespace $namespace"
"${kubectl[@]}" kustomize deploy/kubernetes/minikube | sed -E "s/^( *name(space)?: )radiant\$/\1$namespace/" |
  "${kubectl[@]}" apply -f -

step "connection kubernetes_conn"
template=$home/minikube-pod.yaml
cat > "$template" <<YAML
kind: Pod
spec:
  # The user of this machine owns the files in the shared folder.
  securityContext: {runAsUser: $(id -u), runAsGroup: $(id -g)}
YAML
connection=$("${kubectl[@]}" --namespace "$namespace" create token radiant-airflow --duration 720h |
  $radiant kube connection --context "$context" --namespace "$namespace" --token-file - --form env)
environment=$home/minikube.env
(umask 077 && : > "$environment")
for line in "$connection" \
  "RADIANT_BACKEND=kubernetes" \
  "RADIANT_HOME=$home" \
  "RADIANT_IMAGE=$image" \
  "RADIANT_WORK_URI=file://$work" \
  "RADIANT_KUBERNETES__NAMESPACE=$namespace" \
  "RADIANT_KUBERNETES__PULL_POLICY=Never" \
  "RADIANT_KUBERNETES__SERVICE_ACCOUNT=radiant-worker" \
  "RADIANT_KUBERNETES__PRIORITY_CLASS=radiant-jobs" \
  "RADIANT_KUBERNETES__TEMPLATE=$template" \
  "RADIANT_KUBERNETES__MOUNTS=[{\"path\": \"$work\", \"host_path\": \"$work\"}]"; do
  printf '%s=%q\n' "${line%%=*}" "${line#*=}" >> "$environment"
done
set -a
# shellcheck source=/dev/null
. "$environment"
set +a
echo "written to $environment"

step "POC-ecs-k8s-operators"
# shellcheck disable=SC2086 # several arguments in one variable, on purpose
$radiant poc ${POC_ARGS:-}
