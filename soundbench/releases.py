"""Which releases of a verifier are there, from the oldest to the newest, and can one be made ready to run?"""

from collections.abc import Callable, Sequence

from packaging.version import InvalidVersion, Version

from soundbench.errors import InputError
from soundbench.hooks import faults_as_input_errors
from soundbench.label import at_version
from soundbench.registry import resolve, resolve_all
from soundbench.verifier import Verifier


def releases(name: str, settings: Sequence[str] = (), between: str = "..") -> tuple[Verifier, ...]:
    """The releases that the adapter of a verifier knows, the oldest first; `between` is `A..B`, both included.

    Either may be left out. Every release gets the `settings`, which are `NAME.option=value`.

    Raises:
        InputError: there is no such verifier or setting, its releases cannot be told apart or put in order, or none of
            them lies between.
    """
    found = resolve(name)
    if found.selection.version is not None:
        raise InputError(f"{name}: name it without its version; --versions A..B says which of them to run")
    if not found.versions:
        raise InputError(
            f"{name} has no versions to choose from; its class may list those that it can run in `versions`"
        )
    first, last = _ends(between)
    ordered = sorted(((_read(version), version) for version in found.versions), key=lambda each: each[0])
    chosen = [text for version, text in ordered if (not first or first <= version) and (not last or version <= last)]
    if not chosen:
        known = ", ".join(text for _, text in ordered)
        raise InputError(f"{name} has no version in {between}; it has {known}")
    return resolve_all([at_version(name, version) for version in chosen], settings)


def make_ready(verifier: Verifier, tell: Callable[[str], None]) -> str | None:
    """Install a verifier unless it is, which `tell` hears of; why it cannot be, or None if all is well."""
    try:
        with faults_as_input_errors(verifier.label):
            if verifier.is_installed():
                return None
            if lacking := verifier.missing():
                return f"it lacks {'; '.join(lacking)}"
            tell(f"installs {verifier.label}")
            verifier.install()
            return None if verifier.is_installed() else "its installation left it incomplete"
    except InputError as error:
        return str(error)


def _ends(between: str) -> tuple[Version | None, Version | None]:
    first, dots, last = between.partition("..")
    if not dots:
        raise InputError(f"--versions {between}: write it as A..B; either may be left out")
    return (_read(first) if first else None, _read(last) if last else None)


def _read(version: str) -> Version:
    try:
        return Version(version)
    except InvalidVersion:
        raise InputError(
            f"{version!r} is no version that can be put in order, such as 1.0.2; mend its spelling"
        ) from None
