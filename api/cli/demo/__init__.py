"""The example that `ordertrail demo` loads: ten days of a small shop, sent through the HTTP interfaces."""
