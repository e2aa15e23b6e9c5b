"""What ``dcme demo`` does unless told otherwise; apart, since --help does not wait for ``demo``."""

NETS = "prototxt/small"
TRAIN_SCENES = 400
VAL_SCENES = 40
SEED = 7
