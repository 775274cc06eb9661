"""What every view's page uses and no view owns: questions that are answered, long work in turns, the live channel, and in the
browser the modules of that name."""
