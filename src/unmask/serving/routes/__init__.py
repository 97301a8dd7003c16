"""What the service answers to, one module a path."""
