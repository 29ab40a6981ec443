variable "name" {
  description = "Prefix of the bucket's name and of the flow logs' Name tags."
  type        = string
  nullable    = false
  default     = "headwater"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,14}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 16 lower-case letters, digits or '-', begin with a letter and not end with '-'."
  }
}

variable "vpc_ids" {
  description = "A name of your own → VPC whose flows are logged. A map, because the ids may be unknown until apply."
  type        = map(string)
  nullable    = false

  validation {
    condition     = length(var.vpc_ids) > 0 && alltrue([for id in values(var.vpc_ids) : can(regex("^vpc-[0-9a-f]{8,17}$", id))])
    error_message = "vpc_ids must name at least one VPC (vpc-…)."
  }

  validation {
    condition     = length(distinct(values(var.vpc_ids))) == length(var.vpc_ids)
    error_message = "A VPC is named twice; its flows would be logged and billed twice."
  }
}

variable "format_version" {
  description = "Every field of the format up to this version is logged: 5 has all of the network, 7 adds ECS, 8 reject-reason."
  type        = number
  nullable    = false
  default     = 5

  validation {
    condition     = contains([2, 3, 4, 5, 7, 8], var.format_version)
    error_message = "format_version must be 2, 3, 4, 5, 7 or 8."
  }
}

variable "file_format" {
  description = "\"plain-text\" or \"parquet\"; Headwater reads both. Parquet is billed a little more and takes a fifth of the space."
  type        = string
  nullable    = false
  default     = "plain-text"

  validation {
    condition     = contains(["plain-text", "parquet"], var.file_format)
    error_message = "file_format must be plain-text or parquet."
  }
}

variable "traffic_type" {
  description = "ALL, ACCEPT or REJECT."
  type        = string
  nullable    = false
  default     = "ALL"

  validation {
    condition     = contains(["ALL", "ACCEPT", "REJECT"], var.traffic_type)
    error_message = "traffic_type must be ALL, ACCEPT or REJECT."
  }
}

variable "aggregation_interval_s" {
  description = "Seconds that one record sums up at most: 60 or 600. 60 makes more records; Nitro instances use it anyway."
  type        = number
  nullable    = false
  default     = 600

  validation {
    condition     = contains([60, 600], var.aggregation_interval_s)
    error_message = "aggregation_interval_s must be 60 or 600."
  }
}

variable "bucket_name" {
  description = "Name of the bucket that this module makes; default <name>-vpc-flow-<account id>-<region>."
  type        = string
  default     = null

  validation {
    condition     = var.bucket_name == null ? true : can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket_name))
    error_message = "bucket_name must be 3 to 63 lower-case letters, digits or '-' (no dots: they break TLS host names)."
  }
}

variable "prefix" {
  description = "The logs lie below this prefix of the bucket: empty, or ending with '/'."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = can(regex("^([A-Za-z0-9!_.'()-]+/)*$", var.prefix)) && length(var.prefix) <= 200 && !strcontains(var.prefix, "AWSLogs")
    error_message = "prefix must be empty or end with '/', without a leading '/' and without AWSLogs, which AWS adds."
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
