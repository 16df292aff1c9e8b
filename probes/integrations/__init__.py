"""Callbacks of training frameworks, each a thin layer over `torchmedic.watch`."""
