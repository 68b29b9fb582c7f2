#!/usr/bin/env bash
# Writes the digest that each base image's tag has now into docker/bases.env: a build then starts from the same bytes each
# time, on amd64 and on arm64. `docker/pin-bases.sh --check` fails if one has none; a release needs them all.
set -euo pipefail
cd "$(dirname "$0")"

case ${1:-} in
  --check)
    if grep -E '^[A-Z_]+=' bases.env | grep -vE '@sha256:[0-9a-f]{64}$'; then
      echo "error: docker/bases.env: no digest in the lines above; docker/pin-bases.sh writes it" >&2
      exit 1
    fi
    exit 0 ;;
  "") ;;
  *) echo "error: docker/pin-bases.sh $1: it has one option, --check" >&2; exit 64 ;;
esac

pinned=$(mktemp)
trap 'rm -f "$pinned"' EXIT
while IFS= read -r line; do
  if [[ $line =~ ^([A-Z_]+)=([^@]+) ]]; then
    name=${BASH_REMATCH[1]} image=${BASH_REMATCH[2]}
    digest=$(docker buildx imagetools inspect "$image" --format '{{.Manifest.Digest}}' </dev/null)
    platforms=$(docker buildx imagetools inspect "$image" --raw </dev/null)
    for arch in amd64 arm64; do
      [[ $platforms == *"\"architecture\""*"\"$arch\""* ]] ||
        { echo "error: $image has no image for linux/$arch" >&2; exit 1; }
    done
    echo "$name=$image@$digest"
  else
    echo "$line"
  fi
done <bases.env >"$pinned"
cat "$pinned" >bases.env
cat bases.env
