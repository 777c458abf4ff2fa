"""Apps as people have them: they know nothing of this library."""
