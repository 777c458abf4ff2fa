"""Watching: what is recorded of code that uses no `Tasks`, without a change to it."""
