"""Pure functions from events to the rows of a view; they know no table and no database."""
