"""The commands of the command line, one file a topic: parse, call, print, exit code.

Heavy imports happen in the commands, so that ``--help`` answers at once.
"""
