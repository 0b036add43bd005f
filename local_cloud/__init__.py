"""The local cloud: an AWS emulator on this machine, run by ``python3 -m local_cloud``.

The controller needs nothing but the standard library of Python 3.11 or newer. The emulator itself
runs under an environment of its own (``requirements.lock`` beside this file), because it pins
libraries that the rest of the project wants newer.
"""
