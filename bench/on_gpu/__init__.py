"""What ``bench/gpu`` does. Runs on a bare machine: the standard library has to do."""
