"""Published recipes as overrides of params.yaml, one file each."""
