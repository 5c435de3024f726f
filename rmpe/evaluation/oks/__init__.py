"""Scores by object keypoint similarity: COCO and CrowdPose."""
