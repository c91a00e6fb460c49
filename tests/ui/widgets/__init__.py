"""Tests of widgets by themselves."""
