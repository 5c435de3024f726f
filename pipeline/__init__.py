"""From frames to tracked poses on threads: readers, stages, writers and the run that joins them."""
