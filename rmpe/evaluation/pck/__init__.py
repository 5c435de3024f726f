"""Scores by the share of correct keypoints: MPII, LSP and its extended set."""
