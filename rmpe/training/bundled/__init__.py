"""The workshop of the bundled networks: their packs, recipes and teachers."""
