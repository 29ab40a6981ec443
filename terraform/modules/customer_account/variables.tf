variable "account_id" {
  description = "The customer's AWS account, 12 digits. The provider must act in it; anything else is refused."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be 12 digits, in quotes so that leading zeros stay."
  }
}

variable "account_name" {
  description = "What people call the account; used in descriptions and tags."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9 _.-]{0,63}$", var.account_name))
    error_message = "account_name must be 1 to 64 letters, digits, blanks, '_', '.' or '-', and start with a letter or digit."
  }
}

variable "external_id" {
  description = "The ExternalId that Headwater presents when it assumes the role. One per account, made by `headwater onboard`."
  type        = string
  nullable    = false

  validation { # in two steps: RE2 refuses a repeat above 1000, and can() would turn that into a silent false
    condition     = can(regex("^[\\w+=,.@:/-]+$", var.external_id)) && length(var.external_id) >= 2 && length(var.external_id) <= 1224
    error_message = "external_id must be 2 to 1224 letters, digits or characters of _+=,.@:/- (the rule of sts:AssumeRole)."
  }
}

variable "central_account_id" {
  description = "The account that Headwater runs in, 12 digits."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.central_account_id))
    error_message = "central_account_id must be 12 digits, in quotes so that leading zeros stay."
  }
}

variable "worker_role_arn" {
  description = "The role that the Headwater worker runs as, in the central account. The only principal that may assume the reader role."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\\w+=,.@/-]+$", var.worker_role_arn))
    error_message = "worker_role_arn must be the ARN of one IAM role, without wildcards."
  }

  validation {
    condition     = try(split(":", var.worker_role_arn)[4], "") == var.central_account_id
    error_message = "worker_role_arn must be a role of the account central_account_id."
  }
}

variable "queue_arn" {
  description = "The central intake queue, which receives the notifications of new objects."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,80}$", var.queue_arn))
    error_message = "queue_arn must be the ARN of a standard SQS queue (a FIFO queue cannot take S3 notifications)."
  }
}

variable "event_bus_arn" {
  description = "The central EventBridge bus; needed by sources with notifications = \"eventbridge\"."
  type        = string
  default     = null

  validation {
    condition     = var.event_bus_arn == null ? true : can(regex("^arn:aws[a-z-]*:events:[a-z0-9-]+:[0-9]{12}:event-bus/[A-Za-z0-9._/-]+$", var.event_bus_arn))
    error_message = "event_bus_arn must be the ARN of an EventBridge event bus."
  }
}

variable "organization_id" {
  description = "AWS Organizations id of the central account; when given, the role also asks for aws:PrincipalOrgID."
  type        = string
  default     = null

  validation {
    condition     = var.organization_id == null ? true : can(regex("^o-[a-z0-9]{10,32}$", var.organization_id))
    error_message = "organization_id must look like o-exampleorgid: 'o-' and 10 to 32 lower-case letters or digits."
  }
}

variable "role_name" {
  description = "Name of the reader role. Above IAM's 64 characters it is cut to 55 and '-' and the first 8 hex digits of its SHA-256 follow."
  type        = string
  nullable    = false
  default     = "headwater-reader"

  validation {
    condition     = can(regex("^[\\w+=,.@-]+$", var.role_name)) && length(var.role_name) <= 256
    error_message = "role_name must be 1 to 256 letters, digits or characters of _+=,.@- (a path belongs into role_path)."
  }
}

variable "role_path" {
  description = "IAM path of the reader role."
  type        = string
  nullable    = false
  default     = "/"

  validation {
    condition     = can(regex("^/([\\w+=,.@-]+/)*$", var.role_path)) && length(var.role_path) <= 512
    error_message = "role_path must begin and end with '/', e.g. /corp/security/."
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

variable "role_arn_existing" {
  description = "Bring your own role: its ARN. No reader role is made; outputs trust_policy and permissions_policy say what it needs."
  type        = string
  default     = null

  validation {
    condition     = var.role_arn_existing == null ? true : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\\w+=,.@/-]+$", var.role_arn_existing))
    error_message = "role_arn_existing must be the ARN of an IAM role, path included."
  }

  validation {
    condition     = var.role_arn_existing == null ? true : try(split(":", var.role_arn_existing)[4], "") == var.account_id
    error_message = "role_arn_existing must be a role of the account account_id."
  }
}

variable "sources" {
  description = <<-EOT
    The log feeds of the account. notifications says how new objects are announced:
    sns (a topic of this module; it REPLACES what the bucket notifies today), existing_topic (subscribe the queue to
    topic_arn), eventbridge (a rule forwards to event_bus_arn; the bucket must already send to EventBridge), none (polling).
  EOT
  type = list(object({
    name          = string
    bucket        = string
    prefix        = optional(string, "")
    region        = optional(string)
    kms_key_arn   = optional(string)
    notifications = optional(string, "sns")
    topic_arn     = optional(string)
  }))
  nullable = false
  default  = []

  validation {
    condition     = alltrue([for s in var.sources : can(regex("^[a-z0-9][a-z0-9_-]{0,62}$", s.name))])
    error_message = "Every source name must be 1 to 63 lower-case letters, digits, '_' or '-'."
  }

  validation {
    condition     = length(distinct(var.sources[*].name)) == length(var.sources)
    error_message = "Two sources have the same name."
  }

  validation {
    condition     = alltrue([for s in var.sources : can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", s.bucket)) && !strcontains(s.bucket, "..")])
    error_message = "Every bucket must be an S3 bucket name: 3 to 63 lower-case letters, digits, '.' or '-'."
  }

  validation {
    condition     = alltrue([for s in var.sources : !startswith(s.prefix, "/") && !can(regex("[*?$\\x00-\\x1f]", s.prefix)) && length(s.prefix) <= 512])
    error_message = "A prefix has no leading '/' (S3 keys do not begin with one) and none of the characters * ? $."
  }

  validation {
    condition = alltrue(flatten([for i, a in var.sources : [for j, b in var.sources :
      i >= j || a.bucket != b.bucket || !(startswith(a.prefix, b.prefix) || startswith(b.prefix, a.prefix))
    ]]))
    error_message = "Prefixes of one bucket overlap (\"\" overlaps everything): S3 refuses such notifications as ambiguous, and objects would belong to two sources."
  }

  validation {
    condition     = alltrue([for s in var.sources : contains(["sns", "existing_topic", "eventbridge", "none"], s.notifications)])
    error_message = "notifications must be sns, existing_topic, eventbridge or none."
  }

  validation {
    condition     = alltrue([for s in var.sources : (s.notifications == "existing_topic") == (s.topic_arn != null)])
    error_message = "topic_arn belongs to notifications = \"existing_topic\", and only to it."
  }

  validation {
    condition     = alltrue([for s in var.sources : s.topic_arn == null ? true : can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$", s.topic_arn))])
    error_message = "topic_arn must be the ARN of a standard SNS topic."
  }

  validation {
    condition     = alltrue([for s in var.sources : s.kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", s.kms_key_arn))])
    error_message = "kms_key_arn must be the ARN of a key (arn:…:key/…): an alias cannot be used in an IAM policy."
  }

  validation {
    condition = alltrue(flatten([for a in var.sources : [for b in var.sources :
      a.bucket != b.bucket || a.notifications != "sns" || contains(["sns", "none"], b.notifications)
    ]]))
    error_message = "A bucket with an \"sns\" source cannot have \"existing_topic\" or \"eventbridge\" sources: the managed notification would replace theirs."
  }

  validation {
    condition     = alltrue([for s in var.sources : s.notifications != "eventbridge"]) || var.event_bus_arn != null
    error_message = "notifications = \"eventbridge\" needs event_bus_arn."
  }

  validation {
    condition = alltrue([for s in var.sources :
      s.notifications == "none" || coalesce(s.region, data.aws_region.this.id) == data.aws_region.this.id
    ])
    error_message = "Topics and rules must lie in the bucket's region. Give sources of other regions notifications = \"none\" here, and call the module once more per region with a provider of that region and role_arn_existing."
  }

  validation {
    condition = alltrue([for s in var.sources :
      s.topic_arn == null ? true : try(split(":", s.topic_arn)[3], "") == data.aws_region.this.id
    ])
    error_message = "topic_arn lies in another region than the provider of this module."
  }
}

variable "subscribe_from" {
  description = "Who subscribes the queue to the topics of this module: \"customer\" (this module; the running worker confirms) or \"central\" (the topic policy lets the central account subscribe; no confirmation is needed)."
  type        = string
  nullable    = false
  default     = "customer"

  validation {
    condition     = contains(["customer", "central"], var.subscribe_from)
    error_message = "subscribe_from must be customer or central."
  }
}

variable "subscription_dead_letter_queue_arn" {
  description = "SQS queue of this account and region that keeps notifications which SNS could not deliver to the central queue."
  type        = string
  default     = null

  validation {
    condition     = var.subscription_dead_letter_queue_arn == null ? true : can(regex("^arn:aws[a-z-]*:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,80}$", var.subscription_dead_letter_queue_arn))
    error_message = "subscription_dead_letter_queue_arn must be the ARN of a standard SQS queue."
  }
}

variable "topic_kms_key_arn" {
  description = "Key that encrypts the topics of this module. Its policy must let s3.amazonaws.com use it: see output bucket_key_statements."
  type        = string
  default     = null

  validation {
    condition     = var.topic_kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", var.topic_kms_key_arn))
    error_message = "topic_kms_key_arn must be the ARN of a customer-managed key: S3 cannot publish to a topic under alias/aws/sns."
  }
}

variable "bucket_notifications_checked" {
  description = "Set to true once you know that no bucket with an \"sns\" source has notifications of its own; until then every plan warns."
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
