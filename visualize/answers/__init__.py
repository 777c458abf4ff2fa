"""What a recording answers: which requests, how long, what changed, and why. Nothing is drawn."""
