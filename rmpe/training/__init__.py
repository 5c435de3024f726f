"""Training: recipes, the data they eat, losses, the loop, and the workshop of the bundled pair."""
