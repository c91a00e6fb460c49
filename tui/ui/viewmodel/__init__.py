"""What the lanes and charts show, as plain data: no Textual."""
