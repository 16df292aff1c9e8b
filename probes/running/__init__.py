"""Running probes over one examination, in this process or as a child process."""
