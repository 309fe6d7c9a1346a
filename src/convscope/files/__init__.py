"""Safe reading and atomic writing of files, cache folders, and JSON."""
