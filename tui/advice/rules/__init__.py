"""The rules: each looks at one lever."""
