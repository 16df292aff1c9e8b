"""Nothing of the user's changes: snapshots that put everything back, bit for bit."""
