"""Answers for files and folders from a bundle, without a service and without torch."""
