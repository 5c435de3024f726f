"""Many clips, or parts of long ones, on many processes and machines."""

from pipeline.fleet.ray_workers import BuildEstimator, FleetOptions, run_on_ray
from pipeline.fleet.run import run_fleet, run_in_parts

__all__ = ["BuildEstimator", "FleetOptions", "run_fleet", "run_in_parts", "run_on_ray"]
