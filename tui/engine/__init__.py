"""The measuring process: takes runs on standard input, sends the requests, reports events on standard output."""
