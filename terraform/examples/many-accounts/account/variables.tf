variable "account_id" {
  description = "The account of this state; an entry of accounts.yml."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be 12 digits."
  }
}

variable "region" {
  description = "The region of this state; null means the central region, whose state owns the role."
  type        = string
  default     = null
}

variable "accounts_file" {
  description = "The accounts.yml of the service."
  type        = string
  nullable    = false
  default     = "../accounts.yml"
}

variable "lock_file" {
  description = "The accounts.lock.json that `headwater onboard` keeps; holds the ExternalIds."
  type        = string
  nullable    = false
  default     = "../accounts.lock.json"
}

variable "bucket_notifications_checked" {
  description = "true once the buckets were seen to have no notifications of their own."
  type        = bool
  nullable    = false
  default     = false
}
