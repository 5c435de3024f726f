"""Pose networks, one file per family: (N, 3, H, W) pictures → (N, K, h, w) heatmaps.

Every network has ``supervised_outputs(x)``, the list of all outputs that training supervises, in
the order of the reference implementation; ``forward(x)`` returns its last. Networks are fully
convolutional; input size, colour order and decoding belong to the weights: see ``rmpe.zoo``.
"""
