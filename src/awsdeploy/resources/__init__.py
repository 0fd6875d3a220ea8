"""AWS resources, one small file each, in a folder per area.

Importing this package imports every file below it: a new kind is known by being put here.
"""

import importlib
import pkgutil

for _module in pkgutil.walk_packages(__path__, f"{__name__}."):
    importlib.import_module(_module.name)
