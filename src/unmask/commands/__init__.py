"""What `unmask` offers, a module a topic; each imports what it works with only when it runs."""
