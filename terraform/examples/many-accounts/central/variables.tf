variable "accounts_file" {
  description = "The accounts.yml of the service."
  type        = string
  nullable    = false
  default     = "../accounts.yml"
}

variable "deploy_role_name" {
  description = "Role that Terraform assumes in the central account; null uses the caller's credentials as they are."
  type        = string
  default     = null
}

variable "trial" {
  description = "Whether everything can be destroyed, data and all. For trials only."
  type        = bool
  nullable    = false
  default     = false
}

variable "worker" {
  description = "The worker on ECS Fargate, with a network and a database of its own; null makes neither, and the worker runs elsewhere."
  type        = object({ image = string })
  default     = null
}
