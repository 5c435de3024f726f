"""PoseTrack's scores: AP by joint, and tracking."""
