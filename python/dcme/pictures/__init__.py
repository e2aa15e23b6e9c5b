"""To look at: arrays as pictures, curves, pages of HTML."""
