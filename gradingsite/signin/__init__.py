"""Signing in: passwords, a second factor, single sign-on, and the record of all of it.

Django's own views keep the passwords; django-allauth brings the second factor and OpenID Connect. Everything here is
the seam between the two, and nothing of allauth has an address that `urls.py` does not name.
"""
