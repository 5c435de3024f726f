"""Scores by each data set's own rules; ``runs`` goes from files to figures.

``coco`` and ``crowdpose`` (OKS average precision), ``mpii`` (PCKh), ``lsp`` and ``pck`` (PCK),
``posetrack`` (AP, MOTA, identity), ``detection`` (person boxes), ``report`` (one HTML page).
"""
