"""The people a run trains on, and the crops made of them."""
