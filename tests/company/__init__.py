"""Others beside us: whatever instruments or serves an app sees the same with `add_tasks`.

`flows/` has one file for each integration, and each `see_…` in it is one way to use that. Every
flow runs three times on the shop of `shop.py`, each in a process of its own: without `add_tasks`,
with `add_tasks` before the integration, and with `add_tasks` after it. `upstream/` runs the test
suites of FastAPI and Starlette. All of it runs with `make test-company`.
"""
