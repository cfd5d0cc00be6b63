"""Writes answers as JSON that every reader can read."""

from functools import partial

import pydantic_core

to_json = partial(pydantic_core.to_json, inf_nan_mode="null")
"""Return the JSON of a value. A number beyond any that JSON readers hold, which only damage brings about, is a null."""
