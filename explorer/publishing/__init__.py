"""What leaves the house: model cards for the Hub."""
