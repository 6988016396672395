"""Text models: language, embeddings, sentiment and topics of texts.

What may come in: code that runs a model on texts or vectors that the caller hands over, and the cards of those models. What
may not: a database, a web request, a setting, the network. Heavy libraries (torch, transformers, bertopic, ctranslate2) are
imported inside functions, so that importing these modules stays cheap for pages that only name a type.
"""
