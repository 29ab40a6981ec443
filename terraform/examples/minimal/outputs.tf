output "central" {
  description = "Everything about the central account."
  value       = module.central
}

output "customer" {
  description = "Everything about the customer account."
  value       = module.customer
}
