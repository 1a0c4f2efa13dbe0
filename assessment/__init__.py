"""The marking: allocation, sealed decisions, adjudication."""
