variable "bucket_name" {
  description = "Name of the bucket."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket_name))
    error_message = "bucket_name must be 3 to 63 lower-case letters, digits or '-' (no dots: they break TLS host names)."
  }
}

variable "bucket_policy" {
  description = "Policy document, as JSON, that lets the log source write; the denial of requests without TLS is added."
  type        = string
  nullable    = false

  validation {
    condition     = can(jsondecode(var.bucket_policy).Statement)
    error_message = "bucket_policy must be a policy document as JSON."
  }
}

variable "encryption" {
  description = "\"kms\" (a key of this module) or \"s3\" (SSE-S3, the only one that S3's own access logs can be delivered under)."
  type        = string
  nullable    = false
  default     = "kms"

  validation {
    condition     = contains(["kms", "s3"], var.encryption)
    error_message = "encryption must be kms or s3."
  }
}

variable "key_policy" {
  description = "Policy document, as JSON, that lets the log source encrypt; administration by the account and the reader's kms:Decrypt through S3 are added."
  type        = string
  nullable    = false
  default     = "{\"Version\":\"2012-10-17\",\"Statement\":[]}"

  validation {
    condition     = can(jsondecode(var.key_policy).Statement)
    error_message = "key_policy must be a policy document as JSON."
  }
}

variable "reader_role_arn" {
  description = "The role that Headwater reads with, as customer_account names it; null: headwater-reader of this account. It need not exist yet."
  type        = string
  default     = null

  validation {
    condition     = var.reader_role_arn == null ? true : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\\w+=,.@/-]+$", var.reader_role_arn))
    error_message = "reader_role_arn must be the ARN of one IAM role, without wildcards."
  }

  validation {
    condition     = var.reader_role_arn == null ? true : try(split(":", var.reader_role_arn)[4], "") == data.aws_caller_identity.this.account_id
    error_message = "reader_role_arn must be a role of the account that holds the bucket; customer_account makes it there."
  }
}

variable "expiration_days" {
  description = "Days that the logs stay in the bucket. Headwater's lake keeps its own copy."
  type        = number
  nullable    = false
  default     = 365

  validation {
    condition     = var.expiration_days >= 1 && var.expiration_days <= 36500 && floor(var.expiration_days) == var.expiration_days
    error_message = "expiration_days must be a whole number of days, 1 to 36500."
  }
}

variable "noncurrent_days" {
  description = "Days that versions stay after somebody replaced or deleted their object: the time to undo it."
  type        = number
  nullable    = false
  default     = 30

  validation {
    condition     = var.noncurrent_days >= 1 && var.noncurrent_days <= 3650 && floor(var.noncurrent_days) == var.noncurrent_days
    error_message = "noncurrent_days must be a whole number of days, 1 to 3650."
  }
}

variable "force_destroy" {
  description = "Whether destroy deletes a bucket that still holds logs. For trials only."
  type        = bool
  nullable    = false
  default     = false
}

variable "tags" {
  description = "Tags of everything this module makes."
  type        = map(string)
  nullable    = false
  default     = {}
}
