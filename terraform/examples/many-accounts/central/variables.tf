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

variable "force_destroy" {
  description = "Whether destroy deletes a lake that holds data. For trials only."
  type        = bool
  nullable    = false
  default     = false
}

variable "worker" {
  description = "The worker on ECS Fargate; null makes everything but the worker."
  type = object({
    image                = string
    subnet_ids           = list(string)
    security_group_ids   = list(string)
    state_url_secret_arn = string
  })
  default = null
}
