"""The vendors' HTTP interfaces, one folder each. A vendor's words are used nowhere else."""
