"""Jobs as Kubernetes pods: building one, reading what became of it, and the calls of the API."""
