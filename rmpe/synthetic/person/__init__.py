"""One articulated person: body, clothes, poses and motion."""
