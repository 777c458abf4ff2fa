"""The numbers that the design promises, beside the alternatives, measured in one run."""
