variable "name" {
  description = "Prefix of every name this module makes: <name>-intake, <name>-dead-letters, the bus <name>. Must be unique in the account."
  type        = string
  nullable    = false
  default     = "headwater"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 32 lower-case letters, digits or '-', begin with a letter and not end with '-'."
  }
}

variable "organization_id" {
  description = "AWS Organizations id; its accounts may announce objects, and no policy grows with their number."
  type        = string
  default     = null

  validation {
    condition     = var.organization_id == null ? true : can(regex("^o-[a-z0-9]{10,32}$", var.organization_id))
    error_message = "organization_id must look like o-exampleorgid: 'o-' and 10 to 32 lower-case letters or digits."
  }
}

variable "customer_account_ids" {
  description = "Accounts that may announce objects: all customers, or, with organization_id, those outside of the organisation. About 500 fit into the queue's policy (the plan refuses more)."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for id in var.customer_account_ids : can(regex("^[0-9]{12}$", id))])
    error_message = "Every customer account id must be 12 digits, in quotes so that leading zeros stay."
  }
}

variable "topic_arns" {
  description = "Single topics that may announce objects, of accounts that are neither in organization_id nor in customer_account_ids."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for arn in var.topic_arns : can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$", arn))])
    error_message = "topic_arns must be ARNs of standard SNS topics, without wildcards."
  }
}

variable "eventbridge_account_ids" {
  description = "Accounts that use notifications = \"eventbridge\" and are not in the organisation; they may put events on the central bus."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for id in var.eventbridge_account_ids : can(regex("^[0-9]{12}$", id))])
    error_message = "Every EventBridge account id must be 12 digits, in quotes so that leading zeros stay."
  }
}

variable "opt_in_regions" {
  description = "Opt-in regions (me-south-1, ap-east-1 …) in which customers have topics: SNS acts from there under a principal of its own."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for region in var.opt_in_regions : can(regex("^[a-z]{2,4}(-[a-z]+)+-[0-9]$", region))])
    error_message = "opt_in_regions must be region names such as me-south-1."
  }
}

variable "visibility_timeout_s" {
  description = "How long a received notification stays hidden from other workers, in seconds."
  type        = number
  nullable    = false
  default     = 300

  validation {
    condition     = var.visibility_timeout_s >= 30 && var.visibility_timeout_s <= 43200
    error_message = "visibility_timeout_s must be 30 to 43200 (SQS allows 12 hours)."
  }
}

variable "max_receive_count" {
  description = "After this many receives SQS itself moves a notification to the dead-letter queue; the worker does so earlier for known faults."
  type        = number
  nullable    = false
  default     = 20

  validation {
    condition     = var.max_receive_count >= 5 && var.max_receive_count <= 1000
    error_message = "max_receive_count must be 5 to 1000."
  }
}

variable "tags" {
  description = "Tags of everything this module makes."
  type        = map(string)
  nullable    = false
  default     = {}
}
