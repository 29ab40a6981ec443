variable "region" {
  description = "Region of the central account's resources and of the bucket."
  type        = string
  nullable    = false
  default     = "us-east-1"

  validation {
    condition     = can(regex("^[a-z]{2,4}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be a region name such as us-east-1."
  }
}

variable "central_account_id" {
  description = "The account that Headwater runs in."
  type        = string
  nullable    = false
}

variable "customer_account_id" {
  description = "The account whose logs are read."
  type        = string
  nullable    = false
}

variable "customer_account_name" {
  description = "What people call that account."
  type        = string
  nullable    = false
  default     = "first"
}

variable "deploy_role_name" {
  description = "Role that Terraform assumes in both accounts."
  type        = string
  nullable    = false
  default     = "OrganizationAccountAccessRole"
}

variable "external_id" {
  description = "The customer's ExternalId: 32 random characters of your own, e.g. from `openssl rand -hex 16`."
  type        = string
  nullable    = false
}

variable "bucket" {
  description = "The customer's log bucket; it exists already and has no notifications of its own."
  type        = string
  nullable    = false
}

variable "prefix" {
  description = "The part of the bucket that is read."
  type        = string
  nullable    = false
  default     = "AWSLogs/"
}

variable "bucket_notifications_checked" {
  description = "true once you have seen that the bucket has no notifications, which this would replace."
  type        = bool
  nullable    = false
  default     = false
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
