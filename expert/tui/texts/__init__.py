"""The sentences of single screens, in both languages; those that many screens share: strings."""
