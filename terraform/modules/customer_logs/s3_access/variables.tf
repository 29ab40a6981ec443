variable "name" {
  description = "Prefix of the log bucket's name."
  type        = string
  nullable    = false
  default     = "headwater"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,14}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 16 lower-case letters, digits or '-', begin with a letter and not end with '-'."
  }
}

variable "buckets" {
  description = "A name of your own → bucket of this account and region whose requests are logged. REPLACES the logging that it has. A map, because the buckets' names may be unknown until apply."
  type        = map(string)
  nullable    = false

  validation {
    condition     = length(var.buckets) > 0 && alltrue([for bucket in values(var.buckets) : can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", bucket))])
    error_message = "buckets must name at least one S3 bucket: 3 to 63 lower-case letters, digits, '.' or '-'."
  }

  validation {
    condition     = length(distinct(values(var.buckets))) == length(var.buckets)
    error_message = "A bucket is named twice; it has one place for its log."
  }

  validation {
    condition     = !contains(values(var.buckets), local.bucket)
    error_message = "The log bucket cannot log into itself: every object written there would make another, for ever."
  }
}

variable "bucket_name" {
  description = "Name of the bucket that this module makes; default <name>-s3-access-<account id>-<region>."
  type        = string
  default     = null

  validation {
    condition     = var.bucket_name == null ? true : can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket_name))
    error_message = "bucket_name must be 3 to 63 lower-case letters, digits or '-' (no dots: they break TLS host names)."
  }
}

variable "prefix" {
  description = "The logs lie below this prefix of the bucket; it ends with '/'."
  type        = string
  nullable    = false
  default     = "s3-access/"

  validation {
    condition     = can(regex("^([A-Za-z0-9!_.'()-]+/)+$", var.prefix)) && length(var.prefix) <= 200 && !strcontains(var.prefix, "AWSLogs")
    error_message = "prefix must end with '/', without a leading '/' and without AWSLogs."
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
