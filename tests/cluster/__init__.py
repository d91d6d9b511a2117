"""A real standalone cluster and a real S3 server on this machine: `make cluster-test`."""
