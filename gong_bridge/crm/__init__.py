"""Tells Gong what a company's own CRM knows: files of objects are checked, sent once, and followed to their end.

Reading order: values (one value), entities (what an object of each type has), checking (a whole file), requests (never
twice), uploading (send and follow); csv_map and converting make such a file of a CSV; schema_file reads a schema.
"""
