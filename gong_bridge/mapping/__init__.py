"""What a recorder's facts mean: YAML mappings from facts to the call that Gong is told."""
