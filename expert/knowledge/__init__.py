"""What the engine knows: reading, checking and holding the YAML."""
