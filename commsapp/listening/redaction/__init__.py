"""Taking names, numbers and addresses out of people's words, before anybody or any model sees them.

What may come in: patterns and cues over text, what stands in place of what is taken out. What may not: a database, a request,
heavy libraries (the names' model is in textmodels).
"""
