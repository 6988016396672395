"""Pages: views, forms, what a request carries, and the scripts and styles that we wrote.

What may come in: anything that translates between a browser and a service. What may not: figures, decisions about them,
SQL. A page is a view and its form in ``pages/<area>.py``, one template in ``templates/<area>/``, one page test.
"""
