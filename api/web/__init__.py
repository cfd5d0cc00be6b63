"""The pages under /ui: for people who would rather look than read."""
