"""What if a verifier's class fails? Its hooks are somebody else's code: what they do and return is checked here."""

import os
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from soundbench.claim import Answer, Claim
from soundbench.errors import InputError, SoundbenchError

T = TypeVar("T")


class HookError(SoundbenchError):
    """A hook failed, or returned what it may not; the message is a traceback that ends with the reason."""

    @property
    def reason(self) -> str:
        """The last line of the traceback."""
        return str(self).splitlines()[-1]


def from_hook(hook: Callable[[], T]) -> T:
    """What a hook returns.

    Raises:
        HookError: it raised anything, be it one of our own errors or an exit.
    """
    try:
        return hook()
    except (Exception, SystemExit) as error:
        raise HookError(traceback.format_exc().rstrip()) from error


@contextmanager
def faults_as_input_errors(label: str) -> Iterator[None]:
    """Say in one line that the class of the verifier `label` is at fault, before anything runs.

    Raises:
        InputError: whatever went wrong inside.
    """
    try:
        yield
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        raise InputError(f"verifier {label} cannot be used: {type(error).__name__}: {error}; mend its class") from error


def checked_command(command: object) -> list[str]:
    """A command's parts as texts; paths become texts.

    Raises:
        TypeError: it is not a list of such.
    """
    if not isinstance(command, list | tuple):
        raise TypeError(f"a command must be a list of texts, not {type(command).__name__}")
    if not command:
        raise TypeError("a command must not be empty")
    return [os.fsdecode(part) for part in command]


def checked_variables(variables: object) -> dict[str, str]:
    """Environment variables.

    Raises:
        TypeError: they are not a mapping from texts to texts.
    """
    if not isinstance(variables, Mapping):
        raise TypeError(f"an environment must be a mapping, not {type(variables).__name__}")
    found = dict(variables)
    if not all(isinstance(text, str) for pair in found.items() for text in pair):
        raise TypeError("an environment must map texts to texts")
    return found


def checked_answer(answer: object) -> Answer:
    """An answer whose fields are what they should be.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(answer, Answer):
        raise TypeError(f"read_answer must return an Answer, not {type(answer).__name__}")
    if not isinstance(answer.claim, Claim):
        raise TypeError(f"the claim of an Answer must be a Claim, not {type(answer.claim).__name__}")
    texts = (answer.raw, "" if answer.counterexample is None else answer.counterexample)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("the words and the counterexample of an Answer must be texts")
    return answer


def checked_version(version: object) -> str:
    """A version.

    Raises:
        TypeError: it is no text.
    """
    if not isinstance(version, str):
        raise TypeError(f"version() must return a text, not {type(version).__name__}")
    return version
