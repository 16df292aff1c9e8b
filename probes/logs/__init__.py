"""Curves from the logs of training runs: reading them, and what they show. Needs no torch."""
