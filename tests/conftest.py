"""What holds for all tests: Hypothesis demands no example within some milliseconds, and Ctrl-C interrupts."""

import signal

from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# A shell starts what runs in the background with interrupts ignored, and every process that it starts inherits that:
# tests of interrupts would wait for what never comes.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
