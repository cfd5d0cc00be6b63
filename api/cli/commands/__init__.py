"""The commands of the command line, a module for each; a module is imported when its command is called."""
