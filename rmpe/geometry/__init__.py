"""Boxes, crops and the affine maps between the frame and a network's input."""
