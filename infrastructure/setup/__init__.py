"""How a database is made ready to be served: migrations, rights, and the secrets of the installation."""
