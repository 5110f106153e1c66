"""What a person looks at: tables and graphs for a terminal."""
