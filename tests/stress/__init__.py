"""A random load, a SIGTERM at a random moment, and a ledger that the tasks keep themselves.

Each task appends to a file when it starts, with what arguments, and how it ends. Afterwards that
ledger is compared with the recording and with the log: two witnesses that know nothing of each
other. A seed decides what is sent, and when; it does not decide what the machine makes of it.
"""
