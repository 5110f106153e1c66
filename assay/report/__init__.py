"""What a person looks at: tables of results, pictures of plans."""
