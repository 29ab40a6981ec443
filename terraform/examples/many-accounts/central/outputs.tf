output "platform" {
  description = "Everything about the central account."
  value       = module.platform
}
