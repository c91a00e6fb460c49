"""The same plan without a screen."""
