"""The diagnosis written out: as text, as JSON."""
