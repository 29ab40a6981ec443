"""Onboarding: what each customer account needs, made by Terraform or CloudFormation, and proven afterwards."""
