"""Monitoring: log groups, alarms, dashboard, health checks, budget."""
