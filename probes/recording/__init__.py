"""One training step, observed: operations, loss calls, gradients."""
