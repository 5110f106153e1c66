"""What a person looks at: what all views of a run share; the views themselves lie in the folders."""
