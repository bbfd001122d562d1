"""Marginalia as a tool of learning platforms: LTI 1.3 with names and roles, and with assignments and grades.

The protocol's messages are PyLTI1p3's; what is held more strictly than it does is in `messages.py` and `http.py`.
"""
