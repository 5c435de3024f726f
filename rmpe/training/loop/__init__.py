"""A run from its start to its weights: module, epochs, validation, going on."""
