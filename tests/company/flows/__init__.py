"""How each integration is used, and what it saw of the shop: a dict of lists of lines."""
