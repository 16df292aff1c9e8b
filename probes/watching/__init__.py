"""Watching an unmodified script: observers on torch's own hooks, and what they tell."""
