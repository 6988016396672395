"""Planning: playbooks, campaigns with their objectives and messages, expected effects, activities.

What may come in: what a campaign is to say and to move, checks on it, the calendar. What may not: measuring whether it
moved (evaluation), reading what people said (listening). ``service`` is the only door.
"""
