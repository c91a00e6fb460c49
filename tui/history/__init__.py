"""History: the database of runs, the recorder that fills it, and the record file."""
