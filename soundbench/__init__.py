"""soundbench: find out whether neural-network verifiers tell the truth."""

__version__ = "0.1.0"
