"""Tests that drive the whole screen."""
