"""Pinhole camera over a flat street.

World axes in metres: x to the right, y up, z ahead of the camera. The camera looks along +z from
``height`` above the ground, so the horizon is the image row ``horizon``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NEAREST_DEPTH = 0.8
"""Points nearer than this (metres) are drawn as if they stood here: nothing divides by zero."""


@dataclass(frozen=True)
class Camera:
    """Pinhole camera: focal length and principal point in pixels, height in metres."""

    focal: float
    centre: float
    horizon: float
    height: float

    def project(self, world: np.ndarray) -> np.ndarray:
        """Image points (N, 2) as (column, row) of world points (N, 3)."""
        depth = np.maximum(world[:, 2], NEAREST_DEPTH)
        points = np.empty((len(world), 2))
        points[:, 0] = self.centre + self.focal * world[:, 0] / depth
        points[:, 1] = self.horizon + self.focal * (self.height - world[:, 1]) / depth
        return points

    @property
    def position(self) -> np.ndarray:
        """Where the camera is, in world coordinates."""
        return np.array([0.0, self.height, 0.0])


@dataclass(frozen=True)
class Frame:
    """Local axes (along, across, up) of an object that stands at (x, z), turned by ``yaw``.

    With yaw 0 an object looks away from the camera (its back is seen); with yaw pi/2 it looks to
    the right.
    """

    camera: Camera
    x: float
    z: float
    yaw: float = 0.0

    def to_world(self, local: np.ndarray) -> np.ndarray:
        """World points (N, 3) of local points (N, 3)."""
        sine, cosine = np.sin(self.yaw), np.cos(self.yaw)
        along, across = local[:, 0], local[:, 1]
        world = np.empty((len(local), 3))
        world[:, 0] = self.x + along * sine + across * cosine
        world[:, 1] = local[:, 2]
        world[:, 2] = self.z + along * cosine - across * sine
        return world

    def project(self, local: np.ndarray) -> np.ndarray:
        """Image points (N, 2) of local points (N, 3)."""
        return self.camera.project(self.to_world(np.asarray(local, dtype=float)))

    @property
    def scale(self) -> float:
        """Pixels per metre at the object."""
        return self.camera.focal / max(self.z, NEAREST_DEPTH)

    def bounds(self, length: float, width: float, height: float) -> tuple[float, ...]:
        """Image box (left, top, right, bottom) of a standing block of this size."""
        half = np.array([length, width]) / 2
        corners = [
            (half[0] * i, half[1] * j, up) for i in (-1, 1) for j in (-1, 1) for up in (0.0, height)
        ]
        points = self.project(np.array(corners))
        left, top = points.min(axis=0)
        right, bottom = points.max(axis=0)
        return float(left), float(top), float(right), float(bottom)
