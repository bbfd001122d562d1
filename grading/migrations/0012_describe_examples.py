from django.db import migrations


def describe(apps, schema_editor):
    """Fill in the columns that examples are filtered by, for those from before there were such columns."""
    from grading.examples import described

    examples = apps.get_model("grading", "TrainingExample")
    rows = examples.objects.filter(words_hash="").select_related("grade")
    changed = []
    for example in rows.iterator(chunk_size=500):
        for name, value in described(example.row).items():
            setattr(example, name, value)
        grade = example.grade
        if grade is not None:
            example.marked_by_id = grade.approved_by_id
            if grade.points is not None and grade.proposed_points is not None and grade.max_points:
                example.correction = float((grade.points - grade.proposed_points) / grade.max_points)
        changed.append(example)
        if len(changed) == 500:
            _write(examples, changed)
            changed = []
    _write(examples, changed)


def _write(examples, changed):
    examples.objects.bulk_update(changed, ["words_hash", "language", "share", "marked_by", "correction"])


class Migration(migrations.Migration):
    dependencies = [("grading", "0011_scopes_shadows_trials_examples")]
    operations = [migrations.RunPython(describe, migrations.RunPython.noop)]
