output "central" {
  description = "Everything about the central account."
  value       = module.central
}
