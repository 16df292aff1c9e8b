"""Sessions: what is known of a case, kept on disk after every step."""
