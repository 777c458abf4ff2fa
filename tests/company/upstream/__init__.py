"""FastAPI's and Starlette's own test suites, with `add_tasks` applied to every app.

The suites come from the source distributions of the installed versions, and run in environments
of their own below `.venv-upstream/`. No line of them is kept here.
"""
