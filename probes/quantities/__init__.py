"""What probes compute from what they see: chance levels, moments, tasks, trends."""
