"""Three invented cities whose files no engineer saw while choosing synonyms."""
