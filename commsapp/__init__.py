"""commsapp: listen, understand, segment, plan, deliver, evaluate, respond."""

__version__ = "0.1.0"
