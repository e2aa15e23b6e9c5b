"""Runs every benchmark of this folder, one after the other."""

import pkgutil
import runpy
import sys

import bench

for module in pkgutil.iter_modules(bench.__path__):
    if not module.name.startswith("_") and not module.ispkg:
        print(f"== {module.name}", flush=True)
        sys.argv = [module.name]
        runpy.run_module(f"bench.{module.name}", run_name="__main__")
