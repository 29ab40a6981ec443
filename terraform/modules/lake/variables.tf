variable "name" {
  description = "Prefix of every name this module makes: the workgroup <name>, <name>-lake-<account>, <name>-optimizer. Must be unique in the account."
  type        = string
  nullable    = false
  default     = "headwater"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 32 lower-case letters, digits or '-', begin with a letter and not end with '-'."
  }
}

variable "bucket_name" {
  description = "Name of the lake's bucket; default <name>-lake-<account id>."
  type        = string
  default     = null

  validation {
    condition     = var.bucket_name == null ? true : can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket_name))
    error_message = "bucket_name must be 3 to 63 lower-case letters, digits or '-' (no dots: they break TLS host names)."
  }
}

variable "noncurrent_days" {
  description = "Days that versions stay after Iceberg or a person deleted their object: the time to undo it."
  type        = number
  nullable    = false
  default     = 30

  validation {
    condition     = var.noncurrent_days >= 1 && var.noncurrent_days <= 3650 && floor(var.noncurrent_days) == var.noncurrent_days
    error_message = "noncurrent_days must be a whole number of days, 1 to 3650."
  }
}

variable "intelligent_tiering" {
  description = "Whether files older than 30 days move to S3 Intelligent-Tiering: cheaper for logs that are kept for years and seldom read."
  type        = bool
  nullable    = false
  default     = true
}

variable "query_limit_gib" {
  description = "An Athena query that would scan more GiB is stopped; Athena bills by them."
  type        = number
  nullable    = false
  default     = 1024

  validation {
    condition     = var.query_limit_gib >= 1 && floor(var.query_limit_gib) == var.query_limit_gib
    error_message = "query_limit_gib must be a whole number, 1 or more."
  }
}

variable "optimized_tables" {
  description = "Existing table (\"logs.aws_cloudtrail\") → what AWS Glue does for it: compaction, retention (of snapshots), orphan_file_deletion. Name a table once its first rows have arrived."
  type        = map(set(string))
  nullable    = false
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.optimized_tables) : can(regex("^(logs|detections|monitor)[.][a-z0-9_]+$", name))])
    error_message = "optimized_tables must name tables such as logs.aws_cloudtrail."
  }

  validation {
    condition     = alltrue(flatten([for kinds in values(var.optimized_tables) : [for kind in kinds : contains(["compaction", "retention", "orphan_file_deletion"], kind)]]))
    error_message = "optimized_tables takes compaction, retention and orphan_file_deletion."
  }
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary put on every role this module makes."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null ? true : can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[\\w+=,.@/-]+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn must be the ARN of an IAM managed policy."
  }
}

variable "force_destroy" {
  description = "Whether destroy deletes a lake that still holds data. For trials only."
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
