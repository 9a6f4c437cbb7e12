"""The reference verifier."""
