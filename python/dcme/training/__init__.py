"""Training: nets bound to a data set, ``caffe train`` run and watched, its logs."""
