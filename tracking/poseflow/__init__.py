"""PoseFlow by its published grade: ``linking`` runs it, frame after frame."""
