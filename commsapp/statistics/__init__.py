"""Pure functions that several domains need: intervals, design effect, smallest detectable change, weights.

Arrays in, numbers out; no database, no files. Shares run from 0 to 1, tone from -1 to 1, levels are 0.95 unless said otherwise.
"""
