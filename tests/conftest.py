"""What holds for all tests: Hypothesis asks for no example to be made in so many milliseconds."""

from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
