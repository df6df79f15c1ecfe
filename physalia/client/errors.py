"""What a client is told when it does not get its answer. What counts is whether it may have been done."""


class ClientError(Exception):
    """The root of all that follows. The message is a sentence."""


class Unavailable(ClientError):
    """Certainly not done: nobody took it on before the deadline. Try again later."""


class Overloaded(Unavailable):
    """Certainly not done: whoever could do it had too much to do (design rule R12). Back off."""


class OutcomeUnknown(ClientError):
    """Perhaps done, perhaps not, perhaps yet to be done. To ask for the very same command again is safe (rule R6)."""


class Malformed(ClientError):
    """Certainly not done: the servers do not understand the command. To try again does not help."""
