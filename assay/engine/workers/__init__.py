"""Worker processes on this machine: they read, extract and accumulate parts of the input side by side.

Beam stays the engine of each. They share nothing with the process that starts them but sockets.
"""
