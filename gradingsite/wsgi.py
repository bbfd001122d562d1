"""What gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

from gradingsite import codes

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gradingsite.settings")

application = get_wsgi_application()
codes.remember()  # before an upgrade can change the files under a process that runs
