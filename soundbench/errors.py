"""What can go wrong, as one-line messages: which file, what is wrong, what to do."""


class SoundbenchError(Exception):
    """Base of every error that soundbench raises on purpose; the message is for the user."""


class InputError(SoundbenchError):
    """A file, option or name that the user gave cannot be used (exit code 2)."""


class HarnessError(SoundbenchError):
    """The harness itself failed, or our ground truth was refuted (exit code 3)."""


class CertificateError(SoundbenchError):
    """A certificate does not hold when it is checked again (exit code 1)."""


def one_line(text: object) -> str:
    """An error, or another text, on one line."""
    return " ".join(str(text).split())
