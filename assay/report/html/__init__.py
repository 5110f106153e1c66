"""What pages of HTML are made of: markup, tables, charts, scripts and styles."""
