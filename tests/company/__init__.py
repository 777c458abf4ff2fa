"""Others beside us: whatever instruments or serves an app sees the same with `add_tasks`.

`flows/` has one file for each integration, and each `see_…` in it is one way to use that. Every
flow runs four times on the shop of `shop.py`, each in a process of its own: without `add_tasks`,
with `add_tasks` before the integration, with it after the integration, and with it watching.
`upstream/` runs the test suites of FastAPI and Starlette. All of it runs with
`make test-company`.
"""
