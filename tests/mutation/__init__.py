"""Take the guards of the product away one by one: a test must notice each, or a reason says why none can."""
