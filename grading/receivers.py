"""What grading does when courses says that a submission is ready."""
