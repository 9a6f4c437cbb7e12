"""One module or folder a verifier: how to install it, call it, read its answer."""
