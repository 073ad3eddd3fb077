"""What `make bench` runs: devdb beside the same work done by hand and beside its peers (docs/benchmarks.md)."""
