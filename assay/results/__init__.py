"""Result files: names, messages, tables, and their readers."""
