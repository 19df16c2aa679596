"""bridge.yaml: read strictly, every mistake placed, secrets resolved."""
