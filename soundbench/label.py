"""How does a user name a verifier? `NAME` or `MODULE:CLASS`, then `==VERSION`, then `[option=value,…]`."""

from soundbench.errors import InputError


def split_options(label: str) -> tuple[str, dict[str, str]]:
    """What a label names, and the options in brackets at its end; brackets without a `=` belong to the name.

    Raises:
        InputError: an option is written otherwise, or is there twice.
    """
    named, bracket, listed = label.removesuffix("]").rpartition("[")
    if not (bracket and label.endswith("]") and "=" in listed):
        return label, {}
    pairs = [setting.partition("=") for setting in listed.split(",")]
    options = {name.strip(): value for name, _, value in pairs}
    if not all(name.strip() and equals for name, equals, _ in pairs):
        raise InputError(f"verifier {label}: write its options as [option=value,option=value]")
    if len(options) < len(pairs):
        raise InputError(f"verifier {label}: an option is there twice; name each once")
    return named, options


def at_version(label: str, version: str | None) -> str:
    """The label of the same verifier with the same options at a version, or at none in particular."""
    named, options = split_options(label)
    brackets = f"[{','.join(f'{name}={value}' for name, value in options.items())}]" if options else ""
    bare = named.partition("==")[0]
    return f"{bare}{'' if version is None else f'=={version}'}{brackets}"
