"""Every training run as a typed value, and the published ones by name."""
