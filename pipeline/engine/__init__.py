"""Threads joined by bounded channels: the part of the pipeline that knows nothing of poses."""
