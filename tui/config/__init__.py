"""Settings: one schema, loaded from six layers with the provenance of every value, and the plan they make."""
