"""What grading tells whoever listens. It knows nothing of who that is."""

from django.dispatch import Signal

# Sent with `assignment_id` and `student_ids` inside the transaction in which what these students can see was changed:
# a release, a withdrawal, another grade in the place of a released one.
released_changed = Signal()
