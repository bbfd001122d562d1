from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class CoursesConfig(AppConfig):
    name = "courses"

    def ready(self) -> None:
        from courses import guards, receivers  # noqa: F401 (importing receivers connects them)

        pre_migrate.connect(guards.take_down, dispatch_uid="courses.guards")
        post_migrate.connect(guards.put_up, dispatch_uid="courses.guards")
