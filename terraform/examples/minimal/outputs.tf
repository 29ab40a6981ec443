output "platform" {
  description = "Everything about the central account."
  value       = module.platform
}

output "customer" {
  description = "Everything about the customer account."
  value       = module.customer
}
