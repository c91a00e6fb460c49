"""Takes runs elsewhere: files in several formats, their import, and OpenTelemetry metrics."""
