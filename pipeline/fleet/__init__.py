"""Many clips, or parts of long ones, on many processes and machines."""
