"""What is seen of processes: the log, measures, spans."""
