"""Jobs as Kubernetes pods: building one, reading its status, and the calls of the API."""
