"""Data sets: found, collected from the masks that people have, reduced, encoded as vectors."""
