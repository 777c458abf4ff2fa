"""The filter language: `route:/orders -outcome:ok wait>100ms`.

An expression is words and terms with spaces between them, and all of them must hold:

    mail  "send mail"        a task's name, or the request's method, path, route or number, has it
    name:mail  route:/orders  error:Connection      the name, the route, the error's type has it
    name=send_mail                                  it is exactly that
    mode:after_route  outcome:error  method:POST    one of those there are
    status:500  status:5xx                          this status, or one of these
    thread                                          a task in a worker thread
    wait>100ms  run>=1s  response<200ms             longer or shorter; ns, µs, us, ms, s or min
    -mail  -thread  -status:5xx                     any of them, the other way round

Upper and lower case are the same. Quotes hold spaces together, and make a plain word of `"thread"`
or of `"a:b"`; in them, a backslash stands before a quote or another backslash.
"""

from .parsing import FilterError, parse
from .selecting import select
from .terms import Filter, Part, Term

__all__ = ["Filter", "FilterError", "Part", "Term", "parse", "select"]
