"""The steps between reader and writers, one file each."""
