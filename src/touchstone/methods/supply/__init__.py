"""What is lost when a supplier falls away: graphs of needs, cut sets, scenarios over time, concentration."""
