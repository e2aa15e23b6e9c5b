"""Synthetic street scenes in Cityscapes' folder layout and file formats."""

from dcme.synth.dataset import write_dataset
from dcme.synth.scene import Scene, render_scene

__all__ = ["Scene", "render_scene", "write_dataset"]
