"""The clinic: patients with a known fault, and healthy controls, on real data without downloads."""
