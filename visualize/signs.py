"""What tells our files from those of others."""

from __future__ import annotations

MAKER = "fastapi-tasks-timeline"
"""Stands near the beginning of each page, picture, trace and chart."""

GENERATOR = f'<meta name="generator" content="{MAKER}">'
TRACE_HEAD = f'{{"displayTimeUnit":"ms","otherData":{{"maker":"{MAKER}"}},"traceEvents":[\n'
CHART_HEAD = f"gantt\n  %% {MAKER}\n"
