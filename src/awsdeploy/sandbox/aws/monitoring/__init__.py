"""Corrections of moto: CloudWatch, SNS, Budgets, Cost Explorer."""
