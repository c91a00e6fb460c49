"""Contents of lanes and charts as plain data: no Textual."""
