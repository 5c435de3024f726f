"""What people are placed in and seen by: surroundings, camera, scenes, clips."""
