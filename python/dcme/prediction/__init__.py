"""Prediction: trained networks as functions of images, and thresholds to decode with."""
