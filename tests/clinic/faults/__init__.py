"""Single faults that can be put into any case that fits: each takes a case and returns it ill."""
