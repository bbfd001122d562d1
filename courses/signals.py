"""The only signal between the apps: courses says that an answer can be read and knows nothing of who listens."""

from django.dispatch import Signal

# Sent with `submission` inside the transaction that made it READY; `replaces` says whether the student had an answer
# before.
submission_ready = Signal()
