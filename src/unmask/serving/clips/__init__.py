"""Clips: decoded in a process of their own, judged frame by frame."""
