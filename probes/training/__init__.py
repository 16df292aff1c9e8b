"""Short training runs on the user's own model, each put back afterwards."""
