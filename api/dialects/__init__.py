"""The vendors' HTTP interfaces, one module each; a vendor's words live nowhere else."""
