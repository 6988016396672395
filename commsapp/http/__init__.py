"""What pages and the API share of a request: its session, who is asking and how they signed in, who may enter, hosts and headers.

What may come in: what holds for every address, whoever answers it. What may not: pages, forms, replies.
"""
