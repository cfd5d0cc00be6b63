"""Makes a database ready to be served: migrations, rights, and the secrets of the installation."""
