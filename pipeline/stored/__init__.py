"""Stored poses put to use without a network: drawn, tracked anew."""
