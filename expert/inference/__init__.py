"""From facts and knowledge to conclusions."""
