"""The database boundary: the only package that imports the MySQL driver."""
