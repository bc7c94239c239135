"""What is measured, a case a file: each returns rows of the table."""
