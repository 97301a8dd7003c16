"""What users send back and what is captured, for the next training: rows of JSON, and pictures that may be kept."""
