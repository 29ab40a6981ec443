output "account" {
  description = "Everything about the account in this region."
  value       = module.account
}
