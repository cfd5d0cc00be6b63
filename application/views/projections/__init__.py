"""Pure functions from events to the rows of a view. They know no table and no database."""
