"""Who may do what: people, what they are cleared for, how they sign in, what delays a guesser.

What may come in: services about people and what they may do. What may not: SQL (storage), pages and forms (web), cookies (http).
"""
