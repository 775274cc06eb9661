"""Putting the app where people are: as a Space on the Hugging Face Hub."""
