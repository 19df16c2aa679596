"""Where recordings come from: folders and buckets behind one protocol."""
