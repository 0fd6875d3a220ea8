"""The kinds of AWS resources, one file per area. Importing this package imports every file in it,
so a new kind enters by being put here."""

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
