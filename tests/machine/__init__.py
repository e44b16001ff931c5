"""Random histories of people, faults and bots against the real services, judged after every step."""
