"""Pose flows of a whole clip: built, suppressed where they are one person twice, joined."""
