"""How errors end a command: one line on standard error, and an exit code that CI can tell apart."""

import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import click

from soundbench.errors import CertificateError, HarnessError, InputError, SoundbenchError, one_line

EXIT_CODES: tuple[tuple[type[SoundbenchError], int], ...] = (
    (CertificateError, 1),
    (InputError, 2),
    (HarnessError, 3),
)
HARNESS_FAILED = 3
INTERRUPTED = 130


def exit_code_of(error: SoundbenchError) -> int:
    """The exit code that an error stands for."""
    return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), HARNESS_FAILED)


@contextmanager
def reported_errors() -> Iterator[None]:
    """Turn what ends a command into a message and an exit code."""
    try:
        yield
    except SoundbenchError as error:
        _fail(str(error), exit_code_of(error))
    except KeyboardInterrupt:
        _fail("stopped", INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has gone away; that is for click to end quietly.
        raise
    except OSError as error:
        _fail(f"{error.filename or 'the system'}: {error.strerror or error}", HARNESS_FAILED)
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except Exception:  # noqa: BLE001 (a bug of ours must not read as exit code 1, a finding)
        traceback.print_exc()
        _fail("this is a bug in soundbench; please report it with the lines above", HARNESS_FAILED)


@contextmanager
def ended_as_interrupted() -> Iterator[None]:
    """Let TERM, as CI sends it, and HUP, as a closed terminal does, end a command as Ctrl-C does: no verifier is left.

    A signal that is ignored, as HUP is under nohup, stays ignored.
    """

    def interrupt(number: int, frame: object) -> None:  # noqa: ARG001 (the handler's signature)
        raise KeyboardInterrupt

    numbers = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _fail(message: str, code: int) -> None:
    click.echo(f"soundbench: {one_line(message)}", err=True)
    sys.exit(code)
