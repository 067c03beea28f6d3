"""What results were made from."""
