variable "name" {
  description = "Name of the trail, and prefix of the bucket's name."
  type        = string
  nullable    = false
  default     = "headwater"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 32 lower-case letters, digits or '-', begin with a letter and not end with '-'."
  }
}

variable "organization_id" {
  description = "AWS Organizations id: makes a trail of all its accounts. Only in the management account or the delegated administrator of CloudTrail."
  type        = string
  default     = null

  validation {
    condition     = var.organization_id == null ? true : can(regex("^o-[a-z0-9]{10,32}$", var.organization_id))
    error_message = "organization_id must look like o-exampleorgid: 'o-' and 10 to 32 lower-case letters or digits."
  }
}

variable "management_account_id" {
  description = "The organisation's management account, where the delegated administrator makes the trail; null: this account."
  type        = string
  default     = null

  validation {
    condition     = var.management_account_id == null ? true : can(regex("^[0-9]{12}$", var.management_account_id))
    error_message = "management_account_id must be 12 digits, in quotes so that leading zeros stay."
  }

  validation {
    condition     = var.management_account_id == null || var.organization_id != null
    error_message = "management_account_id belongs to organization_id: an account's own trail has no other owner."
  }
}

variable "data_event_types" {
  description = "Resource types whose data events are recorded beside the management events, e.g. AWS::S3::Object, AWS::Lambda::Function. Billed by the event. The trail's own bucket is left out."
  type        = set(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for name in var.data_event_types : can(regex("^AWS::[A-Za-z0-9]+(::[A-Za-z0-9]+)+$", name))])
    error_message = "data_event_types must be resource types such as AWS::S3::Object."
  }
}

variable "insight_types" {
  description = "CloudTrail Insights: ApiCallRateInsight, ApiErrorRateInsight. Billed by the event."
  type        = set(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for name in var.insight_types : contains(["ApiCallRateInsight", "ApiErrorRateInsight"], name)])
    error_message = "insight_types takes ApiCallRateInsight and ApiErrorRateInsight."
  }
}

variable "bucket_name" {
  description = "Name of the bucket that this module makes; default <name>-cloudtrail-<account id>."
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
