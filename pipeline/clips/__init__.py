"""Clips as files: what a clip's folder holds, going on after an interruption, lists of clips."""
