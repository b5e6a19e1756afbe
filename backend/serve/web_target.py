"""The web app as ``serve`` has it loaded, once in every worker process.

Workers are forked with the signal handlers of their master: a stop that reaches one before it
serves would be noted in a copy of the master's flag, and lost. Until the web server installs
handlers of the worker's own, a stop simply ends it.
"""

import importlib
import signal

signal.signal(signal.SIGTERM, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.SIG_DFL)

# Loaded by name, as the web server would: this takes the time in which a stop could be lost.
app = importlib.import_module("backend.wsgi").app
