"""Who may do what: sign-in, roles, tokens, the audit log. Until they exist there is one local administrator.

What may come in: services about people and what they may do. What may not: SQL (storage), pages and forms (web).
"""
