"""Trials: a fix is applied to the isolated case, trained briefly, and its effect measured."""
