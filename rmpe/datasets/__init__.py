"""Annotated people of the public data sets and of a user's own COCO-style files."""
